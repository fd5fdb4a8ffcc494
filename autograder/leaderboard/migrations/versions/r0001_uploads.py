"""Teams, their tokens and their uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("pseudonym", sa.String(100), nullable=False),
        sa.Column("folded", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("revoked", sa.DateTime),
        sa.Column("uploads", sa.Integer, nullable=False, server_default="0"),
        sa.Column("score", sa.Float),
        sa.Column("hits", sa.Integer),
        sa.Column("n_public", sa.Integer),
        sa.Column("best_at", sa.DateTime),
        sa.Column("best_upload_id", sa.Integer),
        sa.Column("selected_upload_id", sa.Integer),
        sa.Column("correct", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_team"),
        sa.UniqueConstraint("name", name="uq_team_name"),
        sa.UniqueConstraint("folded", name="uq_team_folded"),
    )
    op.create_table(
        "member",
        sa.Column("team_id", sa.Integer, nullable=False),
        sa.Column("student_id", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("team_id", "student_id", name="pk_member"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_member_team_id"),
    )
    op.create_index("ix_member_student_id", "member", ["student_id"])
    op.create_table(
        "token",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("sha256", name="uq_token_sha256"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_token_team_id"),
    )
    op.create_index("ix_token_team_id", "token", ["team_id"])
    op.create_table(
        "upload",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("shown_before", sa.Float),
        sa.Column("shown_after", sa.Float, nullable=False),
        sa.Column("improved", sa.Boolean, nullable=False),
        sa.Column("n_public", sa.Integer, nullable=False),
        sa.Column("rank_after", sa.Integer, nullable=False),
        sa.Column("left_after", sa.Integer),
        sa.Column("predictions", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
        sa.UniqueConstraint("team_id", "key", name="uq_upload_team_key"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_upload_team_id"),
    )
    op.create_index("ix_upload_team_day", "upload", ["team_id", "day"])
    meta = op.create_table(
        "meta",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("closed_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_meta"),
    )
    op.bulk_insert(meta, [{"id": 1, "version": 0}])
