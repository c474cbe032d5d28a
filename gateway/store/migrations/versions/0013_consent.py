"""Consents, and to whom data may go under them; disclosures by instant."""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'consent',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('party', sa.String(), nullable=True),
        sa.Column('named', sa.String(), nullable=False),
        sa.Column('given_by', sa.String(), nullable=False),
        sa.Column('given_at', sa.BigInteger(), nullable=False),
        sa.Column('agreed', sa.Text(), nullable=False),
        sa.Column('valid_to', sa.Date(), nullable=True),
        sa.Column('withdrawn_at', sa.BigInteger(), nullable=True),
        sa.Column('withdrawn_by', sa.String(), nullable=True),
        sa.Column('renewed_by', sa.String(), nullable=True),
        sa.Column('announced', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(['party'], ['party.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_consent_named', 'consent', ['named'])
    op.create_index('ix_consent_party', 'consent', ['party'])
    op.create_index('ix_consent_renewed_by', 'consent', ['renewed_by'])
    op.create_index('ix_consent_valid_to', 'consent', ['valid_to'])
    op.create_table(
        'consent_recipient',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('consent', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['consent'], ['consent.id']),
        sa.PrimaryKeyConstraint('recipient', 'consent'),
    )
    op.create_index('ix_disclosure_given_at', 'disclosure', ['given_at'])
    op.add_column('line_block', sa.Column('consent', sa.String(), nullable=True))
    under = sa.text('consent IS NOT NULL')
    op.create_index('line_block_by_consent', 'line_block', ['consent'], sqlite_where=under, postgresql_where=under)


def downgrade() -> None:
    op.drop_index('ix_disclosure_given_at', 'disclosure')
    op.drop_index('line_block_by_consent', 'line_block')
    op.drop_column('line_block', 'consent')
    op.drop_table('consent_recipient')
    op.drop_table('consent')
