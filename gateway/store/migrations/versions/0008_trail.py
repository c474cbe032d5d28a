"""The audit trail as chains; refusals noted before it had none, and are not carried over."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'trail_entry',
        sa.Column('chain', sa.String(), nullable=False),
        sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('who', sa.String(), nullable=False),
        sa.Column('what', sa.String(), nullable=False),
        sa.Column('about', sa.String(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('chain', 'number'),
    )
    op.create_index('ix_trail_entry_at', 'trail_entry', ['at'])
    op.drop_table('audit_entry')


def downgrade() -> None:
    op.create_table(
        'audit_entry',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('path', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.drop_table('trail_entry')
