"""Index entries and held records that nobody reads without a key; what a sender wrote beside its document, closed.

What stands in the old shape is put aside as ``plain_…``: it takes keys to close it, which ``plain_rows.py`` has.
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('submission', sa.Column('said', sa.LargeBinary(), nullable=True))
    op.drop_index('line_index_by_submission', 'line_index')
    op.drop_index('held_by_number', 'held_record')
    op.drop_index('ix_held_record_released_by', 'held_record')
    op.rename_table('line_index', 'plain_line_index')
    op.rename_table('held_record', 'plain_held_record')
    op.create_table(
        'line_index',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('series', sa.LargeBinary(), nullable=False),
        sa.Column('valid_on', sa.Date(), nullable=False),
        sa.Column('submission', sa.String(), nullable=False),
        sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('closed', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('recipient', 'kind', 'series', 'valid_on', 'submission', 'number'),
        sqlite_with_rowid=False,
    )
    op.create_index('line_index_by_submission', 'line_index', ['submission', 'recipient'])
    op.create_table(
        'held_record',
        sa.Column('submission', sa.String(), nullable=False),
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('ordinal', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('waits_for', sa.LargeBinary(), nullable=True),
        sa.Column('closed', sa.LargeBinary(), nullable=False),
        sa.Column('released_by', sa.String(), nullable=True),
        sa.PrimaryKeyConstraint('submission', 'recipient', 'ordinal'),
    )
    op.create_index('held_by_number', 'held_record', ['recipient', 'waits_for'])
    op.create_index('ix_held_record_released_by', 'held_record', ['released_by'])
    if op.get_bind().execute(sa.text('SELECT 1 FROM submission UNION ALL SELECT 1 FROM plain_line_index')).first() is None:
        op.drop_table('plain_held_record')
        op.drop_table('plain_line_index')


def downgrade() -> None:
    raise RuntimeError('what is closed is not opened again')
