"""The wrapped keys under which stored content is closed."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'storage_key',
        sa.Column('id', sa.LargeBinary(), nullable=False),
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('year', sa.Integer(), nullable=False),
        sa.Column('kek', sa.String(), nullable=False),
        sa.Column('wrapped', sa.LargeBinary(), nullable=True),
        sa.Column('retired', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('storage_key_by_recipient', 'storage_key', ['recipient', 'year'])
    op.create_index('storage_key_by_retired', 'storage_key', ['retired'])


def downgrade() -> None:
    op.drop_table('storage_key')
