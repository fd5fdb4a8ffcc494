"""The leaderboard: predictions are uploaded, labels never leave the server, and the score cannot be gamed."""
