# shellcheck shell=sh disable=SC3043
# The part of OpenWrt's /lib/functions.sh that reads configuration, written for the tests from its
# description. The format of uci's files is that of shell commands: config, option, list.

config_cb() { :; }
option_cb() { :; }
list_cb() { :; }

SECTIONS=
COUNT=0
SECTION=

config_set() { # SECTION OPTION VALUE
    export -n "CONFIG_${1}_${2}=$3"
}
config_get() { # VARIABLE SECTION OPTION [DEFAULT]
    eval "export -n \"$1=\${CONFIG_${2}_${3}:-\$4}\""
}
config_get_bool() { # VARIABLE SECTION OPTION DEFAULT
    local value
    config_get value "$2" "$3" "$4"
    case $value in
    1 | on | true | yes | enabled) value=1 ;;
    0 | off | false | no | disabled) value=0 ;;
    *) value=$4 ;;
    esac
    export -n "$1=$value"
}

config() { # TYPE [NAME]
    COUNT=$((COUNT + 1))
    SECTION=${2:-cfg$COUNT}
    SECTIONS="$SECTIONS $SECTION"
    config_set "$SECTION" TYPE "$1"
    config_cb "$1" "$SECTION"
}
option() { # NAME VALUE
    config_set "$SECTION" "$1" "$2"
    option_cb "$1" "$2"
}
list() { # NAME VALUE
    local length before
    config_get length "$SECTION" "${1}_LENGTH" 0
    length=$((length + 1))
    config_set "$SECTION" "${1}_ITEM$length" "$2"
    config_set "$SECTION" "${1}_LENGTH" "$length"
    config_get before "$SECTION" "$1"
    config_set "$SECTION" "$1" "$before${before:+ }$2"
    list_cb "$1" "$2"
}

config_load() { # PACKAGE
    local one
    # What an earlier call left is forgotten.
    for one in $(set | sed -n 's/^\(CONFIG_[A-Za-z0-9_]*\)=.*/\1/p'); do
        unset "$one"
    done
    SECTIONS= COUNT=0
    [ -f "/etc/config/$1" ] || return 1
    . "/etc/config/$1"
    config_cb
}
config_foreach() { # FUNCTION [TYPE]
    local section type
    for section in $SECTIONS; do
        config_get type "$section" TYPE
        [ -n "$2" ] && [ "$type" != "$2" ] || "$1" "$section"
    done
}
config_list_foreach() { # SECTION OPTION FUNCTION
    local length at=1 value
    config_get length "$1" "${2}_LENGTH" 0
    while [ "$at" -le "$length" ]; do
        config_get value "$1" "${2}_ITEM$at"
        "$3" "$value"
        at=$((at + 1))
    done
}
