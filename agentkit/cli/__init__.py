"""The command line. Only this room prints, colours or knows exit codes.

Exit codes: 0 done, 1 an error of one line on stderr, 2 a wrong command line, 130 interrupted.
"""


def main() -> int:
    """Run `agentkit` with the process's arguments; gives the exit code.

    The import is in here so that Ctrl-C ends quietly while modules are loading, too.
    """
    try:
        from agentkit.cli.app import app

        app(prog_name="agentkit")
    except KeyboardInterrupt:
        return 130
    return 0
