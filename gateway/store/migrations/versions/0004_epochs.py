"""The epoch of a log: how often it was reopened after it had been rewound."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('head', sa.Column('epoch', sa.Integer(), server_default='1', nullable=False))


def downgrade() -> None:
    op.drop_column('head', 'epoch')
