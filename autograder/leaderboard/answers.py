"""What the service answers, for its OpenAPI description."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Error(BaseModel):
    """Every refusal looks like this."""

    error: str = Field(description="One sentence: what was found, and what to change.")
    counted: bool = Field(False, description="Whether this used one of the day's uploads: never.")


class Scores(BaseModel):
    score: float
    low: float
    high: float
    rank: int
    top: dict[str, float] = Field(description="Top-k accuracies by k, where several guesses were given.")


class Row(BaseModel):
    rank: int
    name: str
    kind: str = Field(description='"team" or "baseline"')
    score: float = Field(description="Public score as the ladder shows it.")
    low: float
    high: float
    uploads: int
    last_improved: str
    top: dict[str, float]
    private: Scores | None = Field(description="Null until the competition is closed.")
    shake_up: int | None = Field(description="Ranks won (or lost: negative) at the close.")


class Board(BaseModel):
    version: int
    closed: bool
    server_time: str
    rows: list[Row]


class Competition(BaseModel):
    title: str
    classes: list[str]
    test_size: int
    deadline: str | None
    timezone: str
    daily_limit: int
    ladder: str
    step: float | None
    closed: bool
    server_time: str
    largest_upload: int = Field(description="Bytes.")


class Receipt(BaseModel):
    """An upload that was scored."""

    upload: int
    score: float = Field(description="Your public score as the ladder shows it now.")
    improved: bool
    low: float
    high: float
    rank: int
    left_today: int | None
    message: str
    replayed: bool = Field(description="Scored before, and not counted again.")


class Upload(BaseModel):
    upload: int
    at: str
    file_name: str
    improved: bool
    shown: float
    selected: bool
    source: str


class Me(BaseModel):
    team: str
    pseudonym: str
    rank: int | None
    row: Row | None
    ahead: list[Row] = Field(description="Up to three teams just ahead.")
    history: list[Upload]
    left_today: int | None
    next_day_at: str


class Selection(BaseModel):
    upload: int = Field(
        ge=1, le=2**31 - 1, description="What is to be scored at the close; see `history` of /api/me."
    )


class Pseudonym(BaseModel):
    pseudonym: str
