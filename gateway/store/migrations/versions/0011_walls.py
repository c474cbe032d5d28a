"""Row-level security: ``migrate`` puts up the walls of gateway/store/walls.py after the newest revision; this is one."""

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
