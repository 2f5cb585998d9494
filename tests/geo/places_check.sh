#!/bin/bash
# places_check.sh - odd lists and what they make of an address: registries are no places, one bad record refuses no file.
cd "$(dirname "$0")" || exit 1
ROOT=${ROOT:-$(cd ../.. && pwd)} CORDON=${CORDON:-$ROOT/build/cordon}
. "$ROOT/tests/lib/tap.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/places.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
printf 'allow to eea\nblock to any\n' >"$tmp/eea.conf"

place() { # NAME WANT ADDRESS FILE...: country, status, reason, grade and the verdict
	local name=$1 want=$2 address=$3 geo=() got
	shift 3
	for f; do geo+=(--geo "$tmp/$f"); done
	got=$("$CORDON" explain --json --policy "$tmp/eea.conf" "${geo[@]}" "$address:443" 2>"$tmp/err" |
		jq -r '[.place.country, .place.status, .place.reason, .place.grade, .verdict.action] | map(. // "-") | join(" ")')
	same "$name" "$want" "$got"
}
warns() { # NAME TEXT: of the explain before
	grep -q -- "$2" "$tmp/err" && ok "$1" || not_ok "$1" "$(cat "$tmp/err")"
}

printf '{"last_updated_timestamp":"2026-11-20T00:00:00.000000","regions":[{"region":"eu-stockholm-1","cidrs":[{"cidr":"129.151.192.0/19","tags":["OCI"]}]}]}' >"$tmp/oracle.json"
printf 'prefix,asn,org\n51.170.0.0/16,31898,Oracle Corporation\n31.13.64.0/18,32934,"Facebook, Inc."\n' >"$tmp/asn.csv"
printf '51.170.0.0/16,SE,,,\n31.13.64.0/18,IE,,,\n5.9.0.0/16,DE,,,\n' >"$tmp/country.csv"
place "an operator that publishes its regions, and does not list it" "- unprovable unlisted geofeed block" 51.170.80.1 oracle.json asn.csv country.csv
place "what it lists" "SE known - operator-list allow" 129.151.192.1 oracle.json asn.csv country.csv
printf '2174205952,2174214143,US\n' >"$tmp/tor" # 129.151.192.0/19
place "a registry disputes no operator's list" "SE known - operator-list allow" 129.151.192.1 oracle.json tor

prefixes='{"syncToken":"1795600000","createDate":"2026-11-25-01-00-00","ipv6_prefixes":[],"prefixes":['
printf '%s{"ip_prefix":"52.28.0.0/16","region":"eu-central-1","service":"EC2","network_border_group":"eu-central-1"},{"ip_prefix":"52.98.0.0/16","region":"eu-central-1","service":"EC2","network_border_group":null},{"ip_prefix":"52.95.0.0/16","region":"eu-atlantis-9","service":"EC2","network_border_group":"eu-atlantis-9"}]}' "$prefixes" >"$tmp/aws.json"
place "a null border group is that prefix's alone" "- unprovable anycast operator-list block" 52.98.0.1 aws.json
place "and the file is read" "DE known - operator-list allow" 52.28.0.1 aws.json
place "a region in no table" "- unprovable region-unknown operator-list block" 52.95.0.1 aws.json
printf '52.95.0.0/16,CZ,CZ-10,Prague,\n' >"$tmp/my-aws-geofeed.csv"
place "whose country the operator's geofeed names" "CZ known - operator-geofeed allow" 52.95.0.1 aws.json my-aws-geofeed.csv
sed 's/2026-11-25/2026-11-26/; s/52.28.0.0/52.29.0.0/' "$tmp/aws.json" >"$tmp/newer.json"
printf 'prefix,asn,org\n52.28.0.0/16,16509,"Amazon.com, Inc."\n' >"$tmp/amazon.csv"
place "what a newer edition no longer lists" "- unknown - - block" 52.28.0.1 aws.json newer.json amazon.csv

printf '45.120.137.0/24,USA,US-NC,Asheville,\n5.21.0.0/24,DE,DE-HE,,\n' >"$tmp/first.csv"
place "a geofeed whose first line is wrong" "DE known - geofeed allow" 5.21.0.1 first.csv
warns "says so" "first.csv:1: warning: skipped"
printf '0.0.0.0/0,DE,,,\n5.21.0.0/24,DE,,,\n' >"$tmp/wide.csv"
place "a default route places nobody" "- unknown - - block" 3.80.0.1 wide.csv
warns "says so" "wide.csv:1: warning: skipped: '0.0.0.0/0' is wider"
printf '{"changeNumber":"114","cloud":"Public","values":[{"name":"AzureCloud.francecentral","properties":{"addressPrefixes":["20.188.32.0/19"],"region":"francecentral"}},{"name":"AzureCloud.israelcentral","properties":{"addressPrefixes":["20.217.0.0/17"],"region":"isrealcentral"}}]}' >"$tmp/azure.json"
place "the resource manager's name of a region" "FR known - operator-list allow" 20.188.32.1 azure.json
place "a misspelt one" "IL known - operator-list block" 20.217.0.1 azure.json

printf '5.21.0.0/24,NO,,,\n' >"$tmp/no.csv"
printf '85262336,85262591,SE\n' >"$tmp/se" # 5.21.0.0/24
place "two countries of the EEA are no dispute for it" "NO known - geofeed allow" 5.21.0.1 no.csv se
printf 'allow to eu\nblock to any\n' >"$tmp/eea.conf"
place "for the EU they are" "NO known - geofeed block" 5.21.0.1 no.csv se
printf 'alert to eea under unknown\nallow to eea\nblock to any\n' >"$tmp/eea.conf"
place "unknown law is a class" "DE known - geofeed alert" 5.21.0.1 first.csv
place "and American law is not in it" "DE known - operator-list allow" 52.28.0.1 aws.json

check_says() { # NAME TEXT
	"$CORDON" check "$tmp/c.conf" 2>&1 >/dev/null | grep -q -- "$2" && ok "$1" || not_ok "$1" "not said: $2"
}
printf 'geo "%s"\nallow to provider aws region "eu-*"\nblock to provider scaleway region "fr-par*"\nblock to any\n' "$tmp/aws.json" >"$tmp/c.conf"
check_says "check: regions outside the EEA" 'not all in the EEA: .*eu-central-1-ist-1 (TR)'
check_says "check: regions in no table" 'eu-atlantis-9: taken in by'
check_says "check: a provider that no source names" "no source that is loaded names addresses of 'scaleway'"
printf 'geo "%s"\nblock to jurisdiction US\nallow to eea\nblock to any\n' "$tmp/first.csv" >"$tmp/c.conf"
check_says "check: a law that no source names" 'names an operator of this law'
check_says "check: unknown law passes" "'under unknown' or 'jurisdiction unknown' speaks of them"
tap_end
