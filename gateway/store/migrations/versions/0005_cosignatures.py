"""Cosignatures of witnesses."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'cosignature',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('tree_size', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('witness', sa.String(), nullable=False),
        sa.Column('line', sa.Text(), nullable=False),
        sa.Column('cosigned_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['witness'], ['participant.id']),
        sa.PrimaryKeyConstraint('recipient', 'tree_size', 'witness'),
    )


def downgrade() -> None:
    op.drop_table('cosignature')
