"""What was withdrawn, and who was given which lines."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'withdrawal',
        sa.Column('submission', sa.String(), nullable=False),
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('statement', sa.String(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('whole', sa.Boolean(), nullable=False),
        sa.Column('positions', sa.Text(), nullable=False),
        sa.Column('asked_by', sa.String(), nullable=False),
        sa.Column('withdrawn_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('submission', 'recipient', 'statement'),
    )
    op.create_index('withdrawal_by_statement', 'withdrawal', ['statement'])
    op.create_table(
        'disclosure',
        sa.Column('recipient', sa.String(), nullable=False),
        sa.Column('reader', sa.String(), nullable=False),
        sa.Column('first_position', sa.BigInteger(), nullable=False),
        sa.Column('end_position', sa.BigInteger(), nullable=False),
        sa.Column('given_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('recipient', 'reader', 'first_position', 'end_position'),
    )


def downgrade() -> None:
    op.drop_table('disclosure')
    op.drop_table('withdrawal')
