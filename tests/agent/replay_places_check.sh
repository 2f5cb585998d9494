#!/bin/bash
# replay_places_check.sh - 'geo update' keeps the database of a day, and 'replay --places-as-of' judges by what was known then.
. "$ROOT/tests/lib/tap.sh"
cd "$TMPDIR" || exit 1
python3 - <<'P'
import struct
out = [struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)]
ip = struct.pack('>BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 5, 101, 96, 7])
for at in (1795000000, 1795000000 + 200 * 86400): # the second one in another time, which loads an engine when confined
    data = ip + struct.pack('>HHHH', 40000, 5432, 20, 0) + bytes(12)
    out.append(struct.pack('<IIII', at, 0, 40, 40) + data)
open('a.pcap', 'wb').write(b''.join(out))
P
build() { # COUNTRY FILE
	echo "5.101.96.0/24,$1,,," >geofeed.csv
	"$CORDON" geo build -f -o "$2" geofeed.csv >>log 2>&1 || echo "geo build failed"
}
mkdir g
build FR g/places.mmdb.2026-11-01
build US g/places.mmdb.2026-11-10
build DE g/places.mmdb.2026-11-10x # of nobody's naming
build IT g/places.mmdb
printf '%s\n' 'home DE' 'inside 10.0.0.0/8' "geo \"$PWD/g/places.mmdb\"" 'allow to eea until 2027-03-01' 'block to any' >policy
replay() { "$CORDON" replay --today 2027-07-01 -p policy --all "$@" --summary s.json a.pcap >events 2>err; }
countries() { jq -c '[.countries[].country] | unique' s.json; }

replay
same today/place '["IT"]' "$(countries)"
same today/unsaid 0 "$(grep -c 'places as of' err)"
for row in '2026-11-01 FR .2026-11-01' '2026-11-09T23:59:59Z FR .2026-11-01' '2026-11-10 US .2026-11-10' \
	"$(date -u -d '2 days' +%F) IT "; do
	read -r day country file <<<"$row"
	for how in policy option; do
		if test $how = policy; then replay --places-as-of "$day"; else replay --places-as-of "$day" --geo "g/places.mmdb"; fi
		same "$how/$day/exit" 4 $?
		same "$how/$day/place" "[\"$country\"]" "$(countries)"
		check "$how/$day/said" grep -q "places as of ${day%T*}: .*g/places.mmdb$file\$" err
		same "$how/$day/once" 1 "$(grep -c 'places as of' err)"
		same "$how/$day/packets" 2 "$(jq .packets s.json)"
	done
done
rm -f s.json
replay --places-as-of 2026-10-31
same before/exit 1 $?
check before/said grep -q 'no places of 2026-10-31 or before are kept: the oldest are of 2026-11-01' err
check before/nothing test ! -e s.json -a ! -s events
replay --places-as-of 2026-10-31 --geo geofeed.csv
same undated/exit 1 $?
check undated/said grep -q 'does not say when it was made, and no geofeed.csv.YYYY-MM-DD stands beside it' err
replay --places-as-of yesterday
same no_date/exit 2 $?
replay --places-as-of 2026-11-10 --diff policy
check diff/same_places grep -q 'places as of 2026-11-10' err

# what geo update keeps
conf() { printf 'directory "%s/sources"\noutput "%s/u/places.mmdb"\nshipped no\nsource a %s/geofeed.csv\n%s\n' "$PWD" "$PWD" "$PWD" "$1" >geo.conf; }
update() { "$CORDON" geo update --config geo.conf >out 2>err; }
mkdir u
conf 'days 3'
for day in 1999-01-01 1999-01-02 1999-01-03 1999-01-04; do echo "$day" >u/places.mmdb.$day; done
touch u/places.mmdb.notes u/other.mmdb.1999-01-01
update
same update/exit 0 $?
kept() { (cd u && ls -r places.mmdb.[0-9]* 2>/dev/null | tr '\n' ' '); }
today=$(kept | cut -d' ' -f1)
same update/newest_stay "$today places.mmdb.1999-01-04 places.mmdb.1999-01-03 " "$(kept)"
check update/is_the_database test u/places.mmdb -ef "u/$today"
check update/others_stay test -e u/places.mmdb.notes -a -e u/other.mmdb.1999-01-01
echo '5.101.97.0/24,NL,,,' >>geofeed.csv
update
check update/again/is_the_new_one test u/places.mmdb -ef "u/$(kept | cut -d' ' -f1)"
check update/again/nothing_left test ! -e "u/$today.new"
conf 'days 0'
update
same update/none '' "$(kept)"
check update/none/database test -s u/places.mmdb
conf 'days many'
update
same update/no_number 1 $?
check update/no_number/said grep -q 'wants a number of days from 0 to 3650' err
