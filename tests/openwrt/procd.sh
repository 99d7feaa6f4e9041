# shellcheck shell=sh disable=SC3043
# What an init script is offered by rc.common and procd, as the tests need it: every call is a line of
# /tmp/procd, with the words quoted.

note() {
    local word line=
    for word in "$@"; do
        line="$line${line:+ }'$word'"
    done
    echo "$line" >>/tmp/procd
}
for name in open_instance close_instance set_param add_jail add_jail_mount add_jail_mount_rw \
    add_reload_trigger add_raw_trigger send_signal; do
    eval "procd_$name() { note $name \"\$@\"; }"
done

start() {
    note start
    start_service "$@"
    note started $?
}
stop() {
    stop_service "$@"
    note kill
    service_stopped
}
reload() {
    reload_service "$@"
}
restart() {
    stop "$@"
    start "$@"
}
enabled() {
    [ -e /etc/rc.d/S81moat ]
}
