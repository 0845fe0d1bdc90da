"""Stop rules on error curves that are made up, so that each rule is seen at work."""

from math import inf, nan

import pytest

from respnet.engine.stopping import AutoStop, OriginalStop


def ended(rule, curve, limit=100_000):
    """(epoch, reason, last epoch kept) of a rule on ``curve(epoch) -> (loss, test loss)``."""
    epoch, kept = 1, 0
    while epoch < limit:
        verdict = rule.see(epoch, *curve(epoch))
        kept = epoch if verdict.keep else kept
        if verdict.stop:
            return epoch, verdict.stop, kept
        epoch = rule.next_look(epoch)
    return limit, None, kept


def test_a_plateau_at_the_start_is_survived():
    def curve(epoch):
        error = 1.0 if epoch < 200 else 200 / epoch
        return error, 1.01 * error

    epoch, reason, _ = ended(AutoStop(0.05, floor=0.1), curve)
    assert (reason, epoch > 1900) == ("learned", True)


def test_a_lasting_plateau_ends_it():
    epoch, reason, kept = ended(AutoStop(0.05), lambda epoch: (0.5, 0.6))
    assert reason == "plateau" and 250 < epoch <= 255 and kept == epoch


def test_patience_grows_with_the_epochs_so_far():
    epoch, reason, _ = ended(AutoStop(0.05), lambda epoch: (max(1 / epoch, 1e-3),) * 2)
    assert reason == "plateau" and 1400 < epoch < 1600


def test_overfitting_ends_early_and_keeps_the_latest_good_weights():
    def curve(epoch):
        return 1 / epoch, 0.5 + abs(epoch - 40) / 400

    rule = AutoStop(0.05)
    epoch, reason, kept = ended(rule, curve)
    assert reason == "overfitting" and rule.overfitting and epoch < 100
    assert rule.best_epoch == 40 and kept == 50


def test_a_lucky_look_at_few_test_rows_is_no_best():
    def curve(epoch):
        return 1 / epoch, 1e-6 if epoch == 2 else 0.5 / epoch

    _, reason, _ = ended(AutoStop(0.5, floor=1e-3), curve)
    assert reason == "learned"


def test_fewer_test_rows_give_more_tolerance():
    assert AutoStop.tolerance_of(200) == pytest.approx(0.05)
    assert AutoStop.tolerance_of(2) == pytest.approx(0.5)


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_loss_that_is_no_number_ends_it_and_is_not_kept(bad):
    rule = AutoStop(0.05)
    rule.see(1, 1.0, 1.0)
    verdict = rule.see(2, bad, 1.0)
    assert (verdict.keep, verdict.stop) == (False, "diverged")


def test_looks_grow_rare():
    rule = AutoStop(0.05)
    assert rule.next_look(100) == 101 and rule.next_look(12_800) == 12_900


def test_the_original_stops_at_five_strikes_and_forgives_one_at_a_time():
    rule = OriginalStop()
    errors = [0.5, 0.4, 0.41, 0.42, 0.419, 0.43, 0.44, 0.45, 0.46]
    stops = [rule.see(i, 1 / (i + 1), e).stop for i, e in enumerate(errors)]
    assert stops == [None] * 8 + ["overfitting"] and rule.best == 0.4 and rule.overfitting


def test_the_original_clears_its_strikes_at_a_new_best():
    rule = OriginalStop()
    errors = [0.5, 0.51, 0.52, 0.53, 0.54, 0.4, 0.41, 0.42, 0.43, 0.44]
    assert all(rule.see(i, 1 / (i + 1), e).stop is None for i, e in enumerate(errors))
    assert rule.see(10, 0.01, 0.45).stop == "overfitting"


def test_backtrack_keeps_the_best_only():
    for backtrack, want in ((True, False), (False, True)):
        rule = OriginalStop(backtrack)
        assert rule.see(0, 1.0, 0.5).keep
        assert rule.see(1, 0.9, 0.6).keep is want


def test_the_original_ends_when_both_errors_vanish():
    assert OriginalStop().see(1, 1e-16, 1e-16).stop == "learned"
    assert OriginalStop().see(1, 1e-14, 1e-16).stop is None


def test_an_error_that_falls_for_ever_has_its_end():
    epoch, reason, kept = ended(AutoStop(0.05), lambda epoch: (1 / epoch, 2 / epoch))
    assert reason == "plateau" and 30_000 <= epoch < 30_300 and kept == epoch
