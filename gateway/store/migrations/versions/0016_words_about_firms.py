"""What a firm became is said by each for itself: one word does not take the place of another's."""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

COLUMNS = 'party, successor, since, asserted_by, asserted_at'


def upgrade() -> None:
    _rebuild('party', 'asserted_by')


def downgrade() -> None:
    latest = 'SELECT max(later.asserted_at) FROM party_succession AS later WHERE later.party = party_succession.party'
    op.execute(f'DELETE FROM party_succession WHERE asserted_at < ({latest})')
    _rebuild('party')


def _rebuild(*key: str) -> None:
    """The table anew, under another primary key: SQLite cannot change one in place."""
    op.create_table(
        'party_succession_anew',
        sa.Column('party', sa.String(), nullable=False),
        sa.Column('successor', sa.String(), nullable=False),
        sa.Column('since', sa.Date(), nullable=False),
        sa.Column('asserted_by', sa.String(), nullable=False),
        sa.Column('asserted_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['party'], ['party.id']),
        sa.ForeignKeyConstraint(['successor'], ['party.id']),
        sa.PrimaryKeyConstraint(*key),
    )
    op.execute(f'INSERT INTO party_succession_anew ({COLUMNS}) SELECT {COLUMNS} FROM party_succession')
    op.drop_table('party_succession')
    op.rename_table('party_succession_anew', 'party_succession')
    op.create_index('ix_party_succession_successor', 'party_succession', ['successor'])
