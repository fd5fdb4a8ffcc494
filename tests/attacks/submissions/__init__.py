"""All attacks, by theme. A theme is a module with a docstring and a tuple `ATTACKS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from tests.attacks.attack import Attack


def _themes() -> dict[str, tuple[str, tuple[Attack, ...]]]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {
        name: ((module.__doc__ or "").splitlines()[0].rstrip("."), module.ATTACKS)
        for name, module in zip(names, modules, strict=True)
    }


THEMES: Mapping[str, tuple[str, tuple[Attack, ...]]] = _themes()  # module -> (title, attacks)
ATTACKS: Mapping[str, Attack] = {one.name: one for _, attacks in THEMES.values() for one in attacks}
assert len(ATTACKS) == sum(len(attacks) for _, attacks in THEMES.values()), "two attacks have one name"
