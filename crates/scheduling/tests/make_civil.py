"""Writes civil.tsv: what civil times mean in zones with clock changes, computed by Python's zoneinfo.

Run: python3 make_civil.py > civil.tsv
Columns: zone, civil time, "at" or "skipped", instant (of the clock change when skipped), first civil time after a gap.
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

UTC = timezone.utc
DAYS = {
    "America/New_York": ["2026-03-08", "2026-11-01", "2026-11-24", "2027-03-14"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25", "2026-07-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04", "2026-01-15"],
    "America/Havana": ["2026-03-08", "2026-11-01"],
    "America/Santiago": ["2026-04-04", "2026-09-06"],
    "Asia/Kolkata": ["2026-06-01"],
    "Pacific/Apia": ["2011-12-30"],
    "UTC": ["2026-02-28"],
}


def instant(zone, local):
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def change_between(zone, low, high):
    """The first instant after low at which the zone's offset differs from the one at low."""
    before = low.astimezone(zone).utcoffset()
    assert high.astimezone(zone).utcoffset() != before
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def main():
    for name, days in DAYS.items():
        zone = ZoneInfo(name)
        for day in days:
            for minutes in range(0, 24 * 60, 15):
                local = datetime.fromisoformat(day) + timedelta(minutes=minutes)
                at = instant(zone, local)
                if at.astimezone(zone).replace(tzinfo=None) == local:
                    print(name, local.isoformat(), "at", at.strftime("%Y-%m-%dT%H:%M:%SZ"), sep="\t")
                else:
                    low = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=36)
                    change = change_between(zone, low, low + timedelta(hours=72))
                    after = change.astimezone(zone).replace(tzinfo=None)
                    print(
                        name,
                        local.isoformat(),
                        "skipped",
                        change.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        after.isoformat(),
                        sep="\t",
                    )


main()
