"""What each participant proves its submissions with, and with which certificates it signs XML."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('participant', sa.Column('profile', sa.String(), nullable=False, server_default='http_signature'))
    op.create_table(
        'participant_certificate',
        sa.Column('participant', sa.String(), nullable=False),
        sa.Column('der', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['participant'], ['participant.id']),
        sa.PrimaryKeyConstraint('participant', 'der'),
    )


def downgrade() -> None:
    op.drop_table('participant_certificate')
    op.drop_column('participant', 'profile')
