from tests.leaderboard.fixtures import competition, postgres, rules, store, stores, task

__all__ = ["competition", "postgres", "rules", "store", "stores", "task"]
