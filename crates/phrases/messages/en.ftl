# English. A day is said as the region says it.

weekday = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
}
month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
day-before-month = { weekday }, { $day } { month }
date = { $region ->
    [GB] { day-before-month }
    [IE] { day-before-month }
    [AU] { day-before-month }
    [NZ] { day-before-month }
    [ZA] { day-before-month }
    [IN] { day-before-month }
   *[US] { weekday }, { month } { $day }
}
date-and-year = { $region ->
    [GB] { date } { $year }
    [IE] { date } { $year }
    [AU] { date } { $year }
    [NZ] { date } { $year }
    [ZA] { date } { $year }
    [IN] { date } { $year }
   *[US] { date }, { $year }
}
clock = { $hour12 }:{ $minutes } { $half ->
    [am] AM
   *[pm] PM
}
moment = { date } at { clock }
range = from { $from } to { $to }
or = { $list } or { $last }
and = { $list } and { $last }

## Bookings

booked = The appointment for { $name } is booked for { $when }.
booked-for-service = The appointment ({ $service }) for { $name } is booked for { $when }.
free = Free times: { $times }.
nothing-free = There is no free time on that day.
wrong-length = An appointment can take { $min } to { $max } minutes.
past = That time has already passed. Which other time would suit you?
past-date = That date has already passed. Did you mean { $date }?
too-far-ahead = That date is too far ahead. Appointments can be booked until { $date }.
closed = We are closed that day.
closed-because = We are closed that day: { $reason }.
outside-hours = That is outside our opening hours. That day we are open { $hours }.
daylight-gap = That time does not exist because the clocks change that night. The next possible time is { $when }.
taken = That time is already taken. I could offer { $times }.
taken-and-nothing-free = That time is already taken, and nothing is free in the two weeks after it.

## Calls

nobody-answers = We are sorry, nobody can take your call right now. Please try again later.
nowhere-to-transfer = I'm sorry, there is nobody I can transfer you to.
department-closed = I'm sorry, that department is closed right now.
which-department = Which department would you like: { $names }?
nobody-to-hand-over = I'm sorry, there is nobody I can hand you over to.

## Failures

cannot-do = I'm sorry, I can't do that for you right now.
not-in-service = I'm sorry, this service is not available at the moment.
busy = I'm sorry, we are very busy right now. Please try again in a minute.
unreachable = I'm sorry, our system is not reachable right now. Please try again later.
too-slow = I'm sorry, that is taking too long. Please try again.
too-many-at-once = I'm sorry, that was too much at once. Let us take one thing after the other.

## An assistant's arguments do not fit

no-such-tool = There is no tool named "{ $name }".
arguments-unreadable = The arguments of { $name } could not be read.
field-missing = The field { $field } is missing: { $expected }.
field-misfit = The field { $field } must be { $expected }.
a-text = a text of at most { $max } characters
a-date = a date such as 2026-11-24
a-time = a time of day such as 14:30
a-phone-number = a phone number such as +15552010100
an-email-address = an e-mail address
a-number = a whole number from { $min } to { $max }
