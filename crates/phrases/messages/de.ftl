# Deutsch.

weekday = { $weekday ->
    [1] Montag
    [2] Dienstag
    [3] Mittwoch
    [4] Donnerstag
    [5] Freitag
    [6] Samstag
   *[7] Sonntag
}
month = { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
}
date = { weekday }, { $day }. { month }
date-and-year = { date } { $year }
clock = { $minute ->
    [0] { $hour } Uhr
   *[other] { $hour }:{ $minutes } Uhr
}
moment = { date } um { clock }
range = von { $from } bis { $to }
or = { $list } oder { $last }
and = { $list } und { $last }

## Bookings

booked = Der Termin für { $name } ist gebucht: { $when }.
booked-for-service = Der Termin ({ $service }) für { $name } ist gebucht: { $when }.
free = Freie Zeiten: { $times }.
nothing-free = An diesem Tag ist nichts frei.
wrong-length = Ein Termin kann { $min } bis { $max } Minuten dauern.
past = Diese Zeit ist schon vorbei. Welche andere Zeit würde Ihnen passen?
past-date = Dieses Datum ist schon vorbei. Meinten Sie { $date }?
too-far-ahead = Dieses Datum liegt zu weit in der Zukunft. Buchbar ist bis { $date }.
closed = An diesem Tag ist geschlossen.
closed-because = An diesem Tag ist geschlossen: { $reason }.
outside-hours = Das liegt außerhalb der Öffnungszeiten. Geöffnet ist an diesem Tag { $hours }.
daylight-gap = Diese Zeit gibt es wegen der Zeitumstellung nicht. Die nächste mögliche Zeit ist { $when }.
taken = Diese Zeit ist schon vergeben. Frei wäre { $times }.
taken-and-nothing-free = Diese Zeit ist schon vergeben, und in den zwei Wochen danach ist nichts frei.

## Calls

nobody-answers = Es tut uns leid, im Moment kann niemand Ihren Anruf annehmen. Bitte versuchen Sie es später noch einmal.
nowhere-to-transfer = Es tut mir leid, ich kann Sie mit niemandem verbinden.
department-closed = Es tut mir leid, diese Abteilung ist gerade geschlossen.
which-department = Mit welcher Abteilung möchten Sie sprechen: { $names }?
nobody-to-hand-over = Es tut mir leid, ich kann Sie an niemanden übergeben.

## Failures

cannot-do = Es tut mir leid, das kann ich gerade nicht für Sie tun.
not-in-service = Es tut mir leid, dieser Dienst ist zurzeit nicht verfügbar.
busy = Es tut mir leid, bei uns ist gerade sehr viel los. Bitte versuchen Sie es in einer Minute noch einmal.
unreachable = Es tut mir leid, unser System ist gerade nicht erreichbar. Bitte versuchen Sie es später noch einmal.
too-slow = Es tut mir leid, das dauert zu lange. Bitte versuchen Sie es noch einmal.
too-many-at-once = Es tut mir leid, das war zu viel auf einmal. Gehen wir eines nach dem anderen durch.

## An assistant's arguments do not fit

no-such-tool = Es gibt kein Werkzeug namens "{ $name }".
arguments-unreadable = Die Argumente von { $name } waren nicht zu lesen.
field-missing = Das Feld { $field } fehlt; erwartet wird { $expected }.
field-misfit = Im Feld { $field } wird { $expected } erwartet.
a-text = ein Text von höchstens { $max } Zeichen
a-date = ein Datum wie 2026-11-24
a-time = eine Uhrzeit wie 14:30
a-phone-number = eine Telefonnummer wie +15552010100
an-email-address = eine E-Mail-Adresse
a-number = eine ganze Zahl von { $min } bis { $max }
