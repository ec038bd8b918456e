# Functions that show the progress of a slow command. A script that sources this file sets LOG, the file for its output.

say() { printf '%s\n' "$*"; }

# progress WHAT COMMAND…: run a command quietly. Print a line when it starts and its duration when it ends. On a terminal,
# show the seconds in between. Return the exit code of the command.
progress() {
    what=$1
    shift
    began=$(date +%s)
    say "$what …"
    # The ticker runs in the background. The command must not: a background command ignores Ctrl-C.
    if [ -t 1 ]; then
        while sleep 1 && kill -0 $$; do printf '\r%s s ' $(($(date +%s) - began)); done 2>/dev/null &
        ticker=$!
    fi
    status=0
    "$@" >>"$LOG" 2>&1 || status=$?
    stop_ticker
    [ "$status" -ne 0 ] || say "$what: done in $(($(date +%s) - began)) s"
    return "$status"
}

stop_ticker() {
    [ "${ticker:-}" ] || return 0
    kill "$ticker" 2>/dev/null || :
    wait "$ticker" 2>/dev/null || :
    ticker=
    printf '\r\033[K'
}
