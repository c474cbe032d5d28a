"""initial."""

import sqlalchemy as sa
from alembic import op

import gateway.store.columns

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('checkpoint',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('tree_size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('next_position', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'tree_size')
    )
    op.create_table('finding_block',
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('chunk', sa.Integer(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('submission', 'recipient', 'chunk')
    )
    op.create_table('head',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('next_leaf', sa.BigInteger(), nullable=False),
    sa.Column('next_position', sa.BigInteger(), nullable=False),
    sa.Column('peaks', sa.LargeBinary(), nullable=False),
    sa.Column('sealed_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('recipient')
    )
    op.create_table('held_record',
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('ordinal', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('scheme', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('row_digest', sa.String(), nullable=False),
    sa.Column('released_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('submission', 'recipient', 'ordinal')
    )
    with op.batch_alter_table('held_record', schema=None) as batch_op:
        batch_op.create_index('held_by_number', ['scheme', 'scope', 'value'], unique=False)
        batch_op.create_index(batch_op.f('ix_held_record_released_by'), ['released_by'], unique=False)

    op.create_table('idempotency_key',
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(), nullable=False),
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('created_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('sender', 'key')
    )
    with op.batch_alter_table('idempotency_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotency_key_created_at'), ['created_at'], unique=False)

    op.create_table('job',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('task', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('run_at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('claimed_until_at', gateway.store.columns.Instant(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('done_at', gateway.store.columns.Instant(), nullable=True),
    sa.Column('failure', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('key')
    )
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.create_index('job_open', ['done_at', 'lane', 'id'], unique=False)

    op.create_table('line_block',
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('first_index', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('submission', 'recipient', 'first_index')
    )
    op.create_table('line_index',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('series', sa.String(), nullable=False),
    sa.Column('valid_on', sa.Date(), nullable=False),
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('amount_yen', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('recipient', 'kind', 'series', 'valid_on', 'submission', 'number'),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('line_index', schema=None) as batch_op:
        batch_op.create_index('line_index_by_submission', ['submission', 'recipient'], unique=False)

    op.create_table('log_node',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'level', 'number'),
    sqlite_with_rowid=False
    )
    op.create_table('participant',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('institution', sa.String(), nullable=True),
    sa.Column('enrolled_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('party',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('entity_type', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('publication',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('tree_size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('published_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'tree_size')
    )
    op.create_table('raw',
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('file', sa.String(), nullable=True),
    sa.Column('destroyed', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('submission')
    )
    op.create_table('read_mark',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('reader', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('read_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'reader', 'position')
    )
    op.create_table('register_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('seen_assertion',
    sa.Column('client', sa.String(), nullable=False),
    sa.Column('jti', sa.String(), nullable=False),
    sa.Column('expires_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('client', 'jti')
    )
    with op.batch_alter_table('seen_assertion', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seen_assertion_expires_at'), ['expires_at'], unique=False)

    op.create_table('statement',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('leaf_index', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('submission', sa.String(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('institution', sa.String(), nullable=False),
    sa.Column('raw_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('first_position', sa.BigInteger(), nullable=False),
    sa.Column('count', sa.BigInteger(), nullable=False),
    sa.Column('held', sa.BigInteger(), nullable=False),
    sa.Column('refused', sa.BigInteger(), nullable=False),
    sa.Column('receipt', sa.Text(), nullable=False),
    sa.Column('tape', sa.String(), nullable=True),
    sa.Column('tape_sequence', sa.BigInteger(), nullable=True),
    sa.Column('received_at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('accepted_at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('sealed_at', gateway.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'leaf_index')
    )
    with op.batch_alter_table('statement', schema=None) as batch_op:
        batch_op.create_index('statement_by_digest', ['recipient', 'sender', 'raw_sha256'], unique=False)
        batch_op.create_index('statement_by_position', ['recipient', 'first_position'], unique=False)
        batch_op.create_index('statement_by_submission', ['submission', 'recipient'], unique=True)
        batch_op.create_index('statement_by_tape', ['recipient', 'institution', 'tape', 'leaf_index'], unique=False)

    op.create_table('submission',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('institution', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('received_at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('raw_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('raw_bytes', sa.BigInteger(), nullable=False),
    sa.Column('request', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('submission', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_submission_sender'), ['sender'], unique=False)

    op.create_table('withheld',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('position', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('leaf', sa.LargeBinary(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('recipient', 'position')
    )
    op.create_table('delegation',
    sa.Column('sender', sa.String(), nullable=False),
    sa.Column('institution', sa.String(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['sender'], ['participant.id'], ),
    sa.PrimaryKeyConstraint('sender', 'institution')
    )
    op.create_table('entitlement',
    sa.Column('participant', sa.String(), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('recipient', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['participant'], ['participant.id'], ),
    sa.PrimaryKeyConstraint('participant', 'action', 'recipient')
    )
    op.create_table('guarantee',
    sa.Column('recipient', sa.String(), nullable=False),
    sa.Column('guarantee_no', sa.String(), nullable=False),
    sa.Column('institution', sa.String(), nullable=False),
    sa.Column('party', sa.String(), nullable=False),
    sa.Column('principal_yen', sa.BigInteger(), nullable=True),
    sa.Column('is_revolving', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.id'], ),
    sa.PrimaryKeyConstraint('recipient', 'guarantee_no')
    )
    op.create_table('link',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('scheme', sa.String(), nullable=False),
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.Column('party', sa.String(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('asserted_by', sa.String(), nullable=False),
    sa.Column('asserted_at', gateway.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.create_index('link_by_number', ['scheme', 'scope', 'value'], unique=False)

    op.create_table('participant_key',
    sa.Column('kid', sa.String(), nullable=False),
    sa.Column('participant', sa.String(), nullable=False),
    sa.Column('jwk', sa.Text(), nullable=False),
    sa.Column('valid_from_at', gateway.store.columns.Instant(), nullable=False),
    sa.Column('valid_until_at', gateway.store.columns.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['participant'], ['participant.id'], ),
    sa.PrimaryKeyConstraint('kid')
    )
    with op.batch_alter_table('participant_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_participant_key_participant'), ['participant'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('participant_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_participant_key_participant'))

    op.drop_table('participant_key')
    with op.batch_alter_table('link', schema=None) as batch_op:
        batch_op.drop_index('link_by_number')

    op.drop_table('link')
    op.drop_table('guarantee')
    op.drop_table('entitlement')
    op.drop_table('delegation')
    op.drop_table('withheld')
    with op.batch_alter_table('submission', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_submission_sender'))

    op.drop_table('submission')
    with op.batch_alter_table('statement', schema=None) as batch_op:
        batch_op.drop_index('statement_by_tape')
        batch_op.drop_index('statement_by_submission')
        batch_op.drop_index('statement_by_position')
        batch_op.drop_index('statement_by_digest')

    op.drop_table('statement')
    with op.batch_alter_table('seen_assertion', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seen_assertion_expires_at'))

    op.drop_table('seen_assertion')
    op.drop_table('register_version')
    op.drop_table('read_mark')
    op.drop_table('raw')
    op.drop_table('publication')
    op.drop_table('party')
    op.drop_table('participant')
    op.drop_table('log_node')
    with op.batch_alter_table('line_index', schema=None) as batch_op:
        batch_op.drop_index('line_index_by_submission')

    op.drop_table('line_index')
    op.drop_table('line_block')
    with op.batch_alter_table('job', schema=None) as batch_op:
        batch_op.drop_index('job_open')

    op.drop_table('job')
    with op.batch_alter_table('idempotency_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotency_key_created_at'))

    op.drop_table('idempotency_key')
    with op.batch_alter_table('held_record', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_held_record_released_by'))
        batch_op.drop_index('held_by_number')

    op.drop_table('held_record')
    op.drop_table('head')
    op.drop_table('finding_block')
    op.drop_table('checkpoint')
    op.drop_table('audit_entry')
