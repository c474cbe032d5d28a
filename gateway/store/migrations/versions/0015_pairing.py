"""Pairing codes, the texts they offer, and the vendors' tenants that were paired by them."""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'consent_text',
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('sha256'),
    )
    op.create_table(
        'pairing',
        sa.Column('code_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('issuer', sa.String(), nullable=False),
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('offered', sa.Text(), nullable=False),
        sa.Column('text_sha256', sa.String(), nullable=False),
        sa.Column('expires_at', sa.BigInteger(), nullable=False),
        sa.Column('vendor', sa.String(), nullable=True),
        sa.Column('tenant', sa.String(), nullable=True),
        sa.Column('consent', sa.String(), nullable=True),
        sa.ForeignKeyConstraint(['party'], ['party.id']),
        sa.ForeignKeyConstraint(['text_sha256'], ['consent_text.sha256']),
        sa.ForeignKeyConstraint(['consent'], ['consent.id']),
        sa.PrimaryKeyConstraint('code_sha256'),
    )
    op.create_index('pairing_by_tenant', 'pairing', ['vendor', 'tenant'])


def downgrade() -> None:
    op.drop_table('pairing')
    op.drop_table('consent_text')
