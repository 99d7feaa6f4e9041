#!/bin/sh
# Run in the image by the packages feed: test.sh PACKAGE VERSION.

[ "$1" = moat ] || exit 0
moat --version | grep -F "$2" || exit 1
# It can make a configuration that it accepts.
folder=$(mktemp -d)
moat init "$folder/moat" >"$folder/password" && moat check -c "$folder/moat/moat.yaml"
status=$?
rm -rf "$folder"
exit "$status"
