"""Time stamps by a third party on checkpoints, and whose turn it is to get one."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'time_stamp',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('tree_size', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('token', sa.LargeBinary(), nullable=False),
        sa.Column('stamped_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('recipient', 'tree_size'),
    )
    op.create_table(
        'stamp_turn',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('stamped_size', sa.BigInteger(), nullable=False),
        sa.Column('waiting_since_at', sa.BigInteger(), nullable=True),
        sa.Column('next_try_at', sa.BigInteger(), nullable=False),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('failure', sa.String(), nullable=True),
        sa.PrimaryKeyConstraint('recipient'),
    )


def downgrade() -> None:
    op.drop_table('stamp_turn')
    op.drop_table('time_stamp')
