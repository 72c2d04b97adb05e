"""What the search has found in this package."""

import clipbounds as cb
from clipbounds.bounds import reisizadeh2023
from clipbounds.falsifier import catalogue, evaluate


def test_a_setting_of_the_adversary_is_answered_with_a_table():
    """The table of reisizadeh2023.ClippedSGD raised, because the adversary is made for clipped SGD in its own words."""
    setting = next(t.setting for t in catalogue() if t.group == "adversary")
    rows = reisizadeh2023.ClippedSGD().hypotheses(setting)
    assert any(row.holds is False for row in rows)


def test_statements_about_whole_epochs_are_evaluated_at_whole_epochs():
    template = next(t for t in catalogue() if isinstance(getattr(t.setting.method, "rule", None), cb.methods.RuleN))
    method = template.setting.method
    rule = method.rule.replace(step_scale=0.001)
    setting = template.setting.replace(method=method.replace(rule=rule, small_batch=64))
    found = evaluate(reisizadeh2023.SpiderN(), setting, 25)
    assert found.fits and found.step % method.epoch == 0
