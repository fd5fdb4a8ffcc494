"""Scores on the private examples, which are computed at the close, and top-k accuracies."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("team", sa.Column("top", sa.JSON))
    op.create_table(
        "final",
        sa.Column("team_id", sa.Integer, nullable=False),
        sa.Column("upload_id", sa.Integer, nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("n_private", sa.Integer, nullable=False),
        sa.Column("top", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("team_id", name="pk_final"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_final_team_id"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_final_upload_id"),
    )
