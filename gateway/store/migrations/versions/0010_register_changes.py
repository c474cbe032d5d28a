"""Changes of the registers as statements, codes and approvals by which they are made; successions; coverage."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'change_concerns',
        sa.Column('participant', sa.String(), nullable=False),
        sa.Column('statement', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('participant', 'statement'),
    )
    op.create_table(
        'invitation',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('secret_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('invited', sa.Text(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('used_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'proposal',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('ordered', sa.Text(), nullable=False),
        sa.Column('proposed_at', sa.BigInteger(), nullable=False),
        sa.Column('done_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_table(
        'approval',
        sa.Column('proposal', sa.String(), nullable=False),
        sa.Column('administrator', sa.String(), nullable=False),
        sa.Column('word', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['proposal'], ['proposal.id']),
        sa.PrimaryKeyConstraint('proposal', 'administrator'),
    )
    op.create_table(
        'succession',
        sa.Column('institution', sa.String(), nullable=False),
        sa.Column('successor', sa.String(), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint('institution'),
    )
    op.create_table(
        'party_succession',
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('successor', sa.String(), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('asserted_by', sa.String(), nullable=False),
        sa.Column('asserted_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['party'], ['party.id']),
        sa.ForeignKeyConstraint(['successor'], ['party.id']),
        sa.PrimaryKeyConstraint('party'),
    )
    op.create_index('ix_party_succession_successor', 'party_succession', ['successor'])
    op.create_table(
        'coverage',
        sa.Column('institution', sa.String(), nullable=False),
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('form', sa.String(), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('baseline_on', sa.Date(), nullable=True),
        sa.Column('declared_by', sa.String(), nullable=False),
        sa.Column('declared_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('institution', 'recipient', 'kind'),
    )


def downgrade() -> None:
    for table in ('coverage', 'party_succession', 'succession', 'approval', 'proposal', 'invitation', 'change_concerns'):
        op.drop_table(table)
