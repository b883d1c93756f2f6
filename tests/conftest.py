"""What every test may ask for, and what watches every test."""

pytest_plugins = ("tests.support.canary.plugin",)
