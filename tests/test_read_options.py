"""The same values, defaults and limits on the command line and in a suite; a mistake is one line."""

import json
import math

import pytest
from typer.testing import CliRunner

from psubench.cli import app
from psubench.errors import USAGE, PsubenchError
from psubench.experiments import suite_file
from psubench.experiments.option import declared
from psubench.experiments.read_options import Given, read_options
from psubench.experiments.registry import COMMANDS, options_of
from psubench.runs.case import NEVER_EARLY, PHASES

AXES = ("neurons", "model", "data", "T", "batch", "device", "threads")


def typed(command, **texts):
    return read_options(options_of(command), {name: Given(text, f"--{name}") for name, text in texts.items()})


def in_a_suite(folder, command, text):
    path = folder / "some.toml"
    path.write_text(f"version = 1\n{text}\n[[{command}]]\n")
    return suite_file.read(path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_default_can_be_typed(command):
    fields = declared(options_of(command)).values()
    texts = {f.name: f.shown_default for f in fields if f.option.command and f.type is not bool}
    assert typed(command, **{name: text for name, text in texts.items() if text is not None}) == typed(
        command
    )
    assert set(AXES) <= {f.name for f in fields}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_shows_every_option_with_its_default_and_its_range(command):
    shown = " ".join(CliRunner().invoke(app, [command, "--help"], terminal_width=200).stdout.split())
    for field in declared(options_of(command)).values():
        if not field.option.command:
            continue
        assert f" {field.flag} " in shown
        assert field.type is bool or field.default is None or f"[default: {field.shown_default}]" in shown
        assert not field.meta or f"From {field.meta.ge:.12g} to {field.meta.le:.12g}." in shown
    assert " --neuron " not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_values_at_the_limits_are_taken_and_beyond_them_refused_in_both_places(command, tmp_path):
    for field in declared(options_of(command)).values():
        if field.meta is None:
            continue
        whole = field.type is int
        low, high = field.meta.ge, field.meta.le
        step = 1 if whole else low / 2
        for value, well in ((low, True), (high, True), (low - step, False), (2 * high, False), (-5, False)):
            settings = field.option.suite == "settings"
            line = f"{field.name} = {value}"
            path = tmp_path / "some.toml"
            path.write_text(
                f"version = 1\n[settings]\n{line}\n[[{command}]]\n"
                if settings
                else f"version = 1\n\n[[{command}]]\n{line}\n"
            )
            if well:
                assert getattr(typed(command, **{field.name: str(value)}), field.name) == value
                assert getattr(suite_file.read(path).options[0], field.name) == value
                continue
            with pytest.raises(PsubenchError) as caught:
                typed(command, **{field.name: str(value)})
            assert f"--{field.name} {value}; --{field.name} takes" in str(caught.value)
            with pytest.raises(PsubenchError) as caught:
                suite_file.read(path)
            assert f"line {3 if settings else 4}: {line}; {field.name} takes" in str(caught.value)
            assert f"from {low:.12g} to {high:.12g}" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("max_seconds = -1", "max_seconds = -1; max_seconds takes a number from 0.01 to 1000000"),
        ("max_seconds = nan", "max_seconds = nan; max_seconds takes a number"),
        ("max_seconds = inf", "max_seconds = inf; max_seconds takes a number"),
        ('max_seconds = "2"', "max_seconds = '2'; max_seconds takes a number"),
        ("processes = 0", "processes = 0; processes takes an integer from 1 to 1000"),
        ("processes = 2.0", "processes = 2.0; processes takes an integer"),
        ("processes = true", "processes = True; processes takes an integer"),
        ("threads = 0", "threads = 0; threads takes an integer from 1 to 1024"),
        ("threads = 100000", "threads = 100000; threads takes an integer from 1 to 1024"),
        ("seed = -1", "seed = -1; seed takes an integer from 0 to 4294967295"),
        ("seed = 4294967296", "seed = 4294967296; seed takes an integer from 0 to 4294967295"),
        ("timeout = -5", "timeout = -5; timeout takes a number from 0.1"),
        ("memory = 1", "memory = 1; memory takes true or false"),
        ('precision = "200%"', 'precision "200%" is not a share between 0 and 1'),
        ("precision = 0.02", "precision = 0.02; give a string"),
        ('max_memory = "1 KB"', 'max_memory "1 KB" is out of range; give 256MiB'),
        ('max_memory = "9e9GiB"', 'max_memory "9e9GiB" is not a size'),
        ('max_memory = "99999999999GiB"', "is out of range"),
        ('checkpoint = "nowhere"', 'checkpoint "nowhere" does not exist'),
        ("windows = 2", 'unknown key "windows"'),
        ('device = "cpu"', 'unknown key "device"'),
        ("T = 4", "T is in the wrong table; write it under [[speed]]"),
    ],
)
def test_a_setting_out_of_its_range_names_file_line_value_and_limit(value, complaint, tmp_path):
    with pytest.raises(PsubenchError) as caught:
        in_a_suite(tmp_path, "speed", f"[settings]\n\n{value}")
    assert str(caught.value).startswith(f"{tmp_path / 'some.toml'}, line 4: ")
    assert str(caught.value).count("line 4") == 1
    assert complaint in str(caught.value)
    assert caught.value.exit_code == USAGE
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_suite_of_any_command_is_what_its_command_line_would_be(command, tmp_path):
    network = "" if command in ("speed", "energy", "profile") else 'model = "mlp"\n'
    path = tmp_path / "some.toml"
    path.write_text(f'version = 1\n[[{command}]]\n{network}neurons = ["lif", "psu"]\nT = 8\nbatch = "2"\n')
    words = {"neurons": "lif,psu", "T": "8", "batch": "2", **({"model": "mlp"} if network else {})}
    assert list(suite_file.read(path).options) == [typed(command, **words)]


def test_a_suite_is_of_one_command(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text("version = 1\n[[speed]]\nT = 4\n\n[[energy]]\nT = 4\n")
    with pytest.raises(PsubenchError, match=r"line 5: \[\[speed\]\] and \[\[energy\]\] in one suite"):
        suite_file.read(path)
    path.write_text('version = 1\n[[profile]]\nT = 4\n[[skip]]\nT = 4\nreason = "x"\n')
    with pytest.raises(PsubenchError, match=r"line 4: \[\[profile\]\] skips nothing"):
        suite_file.read(path)


def test_options_win_over_a_suite_and_must_be_options_of_its_command(tmp_path):
    (tmp_path / "some.toml").write_text("version = 1\n[settings]\nseed = 3\nthreads = 2\n[[energy]]\nT = 4\n")
    suite = suite_file.read(tmp_path / "some.toml", {"seed": Given("5", "--seed")})
    assert (suite.options[0].seed, suite.options[0].threads) == (5, 2)
    with pytest.raises(PsubenchError, match="--memory is not an option of energy"):
        suite_file.read(tmp_path / "some.toml", {"memory": Given(False, "--memory")})
    (tmp_path / "some.toml").write_text("version = 1\n[[train]]\nT = 4\n")
    suite = suite_file.read(tmp_path / "some.toml", {"seed": Given("5,6", "--seed")})
    assert suite.options[0].seeds == (5, 6)


def test_the_old_spellings_are_other_names_of_the_same_options():
    def planned(*words):
        done = CliRunner().invoke(app, ["train", *words, "--device", "cpu", "--dry-run", "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else done.exception

    new = planned("--neurons", "lif", "--seeds", "3")
    assert planned("--neuron", "lif", "--seed", "3") == new
    assert (new[0]["neuron"], new[0]["seed"]) == ("lif", 3)
    assert "same option" in str(planned("--neuron", "lif", "--neurons", "psu"))


def test_too_many_cases_are_counted_before_they_are_made():
    wide = {"T": "1..999+1", "batch": "1..999+1", "neurons": "lif"}
    for command, given in (("speed", {**wide, "size": "1..999+1"}), ("sparsity", wide)):
        with pytest.raises(PsubenchError, match="cases are planned, more than 100,000"):
            COMMANDS[command].planned(typed(command, **given), "cpu")


def test_settings_follow_from_options():
    how = COMMANDS["energy"].how(typed("energy", window="2", timeout="7"))
    assert (how.timeout, how.windows.seconds, how.precision) == (9.0, 2.0, NEVER_EARLY)
    how = COMMANDS["speed"].how(typed("speed", precision="3%", max_memory="1GiB"))
    assert math.isclose(how.precision, 0.03)
    assert how.max_memory == 2**30
    assert typed("profile").phase == ("train",)
    assert typed("speed").phase == PHASES
