"""Labelling by a scripted person, without a network: plans, answers, what is known."""

from nearlabel.labelling.rounds.plan import plan_round
from nearlabel.labelling.rounds.record import Round
from nearlabel.labelling.rounds.situation import Situation

SETTINGS = {"batch_size": 10, "audit": 2, "certify": {"recall": 0.8, "alpha": 0.05, "quiet": 2, "spare": 0}}


class Person:
    """Knows which images are defective and answers what is asked; the strategy proposes images by a given order."""

    def __init__(self, images: dict[str, int], order: list[str], seed=0, settings=SETTINGS):
        self.truth, self.order, self.seed, self.settings = images, order, seed, settings
        self.defective: dict[str, int] = {}
        self.aside: set[str] = set()
        self.rounds: list[Round] = []

    @property
    def situation(self) -> Situation:
        return Situation(list(self.truth), dict(self.defective), set(self.aside), list(self.rounds))

    def plan(self, chosen_by="given order") -> Round:
        """The next round, put on record."""

        def choose(among, n, taken, seed):
            assert not set(among) & set(taken)
            return [image for image in self.order if image in set(among)][:n]

        planned = plan_round(self.situation, self.settings, choose, chosen_by=chosen_by, seed=self.seed)
        if planned.number > len(self.rounds):
            self.rounds.append(planned)
        return planned

    def answer(self, images) -> None:
        self.defective |= {image: self.truth[image] for image in images}

    def go_on(self, rounds=100) -> None:
        """Answer whole rounds until nothing is asked for."""
        for _ in range(rounds):
            asked = [image for one in [*self.rounds, self.plan()] for image in one.images(*one.picks)]
            open_ = [image for image in asked if image not in self.defective]
            if not open_:
                return
            self.answer(open_)


def parts(defects=20, n=200):
    """Images; the first ones are defective."""
    return {f"{i:04d}.png": int(i < defects) for i in range(n)}
