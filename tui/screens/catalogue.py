"""Which class of screen belongs to a place, a start and a step."""

from __future__ import annotations

from migration.view import MigrationView
from tui.desk import Desk
from tui.places import Place, place
from tui.screens.after import AfterScreen
from tui.screens.base import WizardScreen
from tui.screens.checks import ChecksScreen
from tui.screens.choose import ChooseScreen
from tui.screens.connect import ConnectScreen
from tui.screens.copy import CopyScreen
from tui.screens.cutover_progress import CutoverProgressScreen
from tui.screens.end import EndScreen
from tui.screens.facts import AttemptsScreen, ServersScreen
from tui.screens.help import HelpScreen
from tui.screens.lag import LagScreen
from tui.screens.loading import LoadingScreen
from tui.screens.plan import PlanScreen
from tui.screens.rehearsal_start import RehearsalStartScreen
from tui.screens.sessions import SessionsScreen
from tui.start import OpenConnect, OpenMigration, OpenRehearsal, Start

_PLACES: dict[Place, type[WizardScreen]] = {
    Place.CHECKS: ChecksScreen,
    Place.CHOOSE: ChooseScreen,
    Place.PLAN: PlanScreen,
    Place.COPY: CopyScreen,
    Place.LAG: LagScreen,
    Place.PROGRESS: CutoverProgressScreen,
    Place.AFTER: AfterScreen,
    Place.END: EndScreen,
}
HELP_LESS = (HelpScreen, CutoverProgressScreen, LoadingScreen)


def screen_for(desk: Desk, where: Place) -> WizardScreen:
    """The screen that follows the migration at a place."""
    return _PLACES[where](desk)


def start_screen(desk: Desk, start: Start) -> WizardScreen:
    """The first screen."""
    if isinstance(start, OpenMigration):
        return LoadingScreen(desk)
    if isinstance(start, OpenRehearsal):
        return RehearsalStartScreen(desk, start)
    if isinstance(start, OpenConnect):
        return ConnectScreen(desk, start)
    return SessionsScreen(desk, start)


def step_screen(desk: Desk, view: MigrationView, number: int) -> WizardScreen:
    """The screen for looking at one of the seven steps (1 to 7)."""
    last: type[WizardScreen] = EndScreen if place(view) is Place.END else AfterScreen
    kinds = (ServersScreen, ChecksScreen, PlanScreen, CopyScreen, LagScreen, AttemptsScreen, last)
    return kinds[number - 1](desk)
