"""`python -m supervisor` is the `supervisor` command."""

import signal


def main() -> None:
    """Run the command. Ctrl-C during the imports simply ends us: Python loses a KeyboardInterrupt in some of them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from supervisor import cli

    cli.main()


if __name__ == "__main__":
    main()
