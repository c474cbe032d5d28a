"""What a trial balance closed with, as a digest beside its index entry."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('line_index', sa.Column('closing', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column('line_index', 'closing')
