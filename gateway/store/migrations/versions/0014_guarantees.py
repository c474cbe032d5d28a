"""What a corporation's register says of a guarantee: dates, share, scheme, changes; and that it may not say."""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

ADDED = (
    ('issued_on', sa.Date),
    ('executed_on', sa.Date),
    ('maturity_on', sa.Date),
    ('first_principal_due_on', sa.Date),
    ('guarantee_ratio_bp', sa.Integer),
    ('scheme_code', sa.String),
    ('scheme_family', sa.String),
    ('scheme_from', sa.Date),
    ('scheme_until', sa.Date),
    ('change_count', sa.Integer),
    ('last_changed_on', sa.Date),
    ('last_change_kind', sa.String),
    ('has_proper_loan', sa.Boolean),
)


def upgrade() -> None:
    with op.batch_alter_table('guarantee', schema=None) as batch_op:
        batch_op.alter_column('is_revolving', existing_type=sa.Boolean(), nullable=True)
        for name, kind in ADDED:
            batch_op.add_column(sa.Column(name, kind(), nullable=True))


def downgrade() -> None:
    op.execute('UPDATE guarantee SET is_revolving = false WHERE is_revolving IS NULL')
    with op.batch_alter_table('guarantee', schema=None) as batch_op:
        for name, _ in reversed(ADDED):
            batch_op.drop_column(name)
        batch_op.alter_column('is_revolving', existing_type=sa.Boolean(), nullable=False)
