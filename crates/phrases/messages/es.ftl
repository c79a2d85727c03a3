# Español.

weekday = { $weekday ->
    [1] lunes
    [2] martes
    [3] miércoles
    [4] jueves
    [5] viernes
    [6] sábado
   *[7] domingo
}
month = { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
}
date = { weekday } { $day } de { month }
date-and-year = { date } de { $year }
clock = { $hour }:{ $minutes }
moment = { $hour ->
    [1] { date } a la { clock }
   *[other] { date } a las { clock }
}
range = de { $from } a { $to }
or = { $list } o { $last }
and = { $list } y { $last }

## Bookings

booked = La cita de { $name } está reservada para el { $when }.
booked-for-service = La cita ({ $service }) de { $name } está reservada para el { $when }.
free = Horas libres: { $times }.
nothing-free = No hay horas libres ese día.
wrong-length = Una cita puede durar de { $min } a { $max } minutos.
past = Esa hora ya ha pasado. ¿Qué otra hora le vendría bien?
past-date = Esa fecha ya ha pasado. ¿Quiso decir el { $date }?
too-far-ahead = Esa fecha está demasiado lejos. Se puede reservar hasta el { $date }.
closed = Ese día está cerrado.
closed-because = Ese día está cerrado: { $reason }.
outside-hours = Eso queda fuera del horario. Ese día abrimos { $hours }.
daylight-gap = Esa hora no existe por el cambio de hora. La siguiente hora posible es el { $when }.
taken = Esa hora ya está ocupada. Puedo ofrecerle { $times }.
taken-and-nothing-free = Esa hora ya está ocupada y no hay nada libre en las dos semanas siguientes.

## Calls

nobody-answers = Lo sentimos, nadie puede atender su llamada en este momento. Inténtelo de nuevo más tarde.
nowhere-to-transfer = Lo siento, no hay nadie a quien pueda pasarle la llamada.
department-closed = Lo siento, ese departamento está cerrado en este momento.
which-department = ¿Con qué departamento desea hablar: { $names }?
nobody-to-hand-over = Lo siento, no hay nadie más que pueda atenderle.

## Failures

cannot-do = Lo siento, no puedo hacer eso en este momento.
not-in-service = Lo siento, este servicio no está disponible en este momento.
busy = Lo siento, estamos muy ocupados en este momento. Inténtelo de nuevo en un minuto.
unreachable = Lo siento, nuestro sistema no está disponible en este momento. Inténtelo de nuevo más tarde.
too-slow = Lo siento, está tardando demasiado. Inténtelo de nuevo.
too-many-at-once = Lo siento, han sido demasiadas cosas a la vez. Vayamos de una en una.

## An assistant's arguments do not fit

no-such-tool = No existe ninguna herramienta llamada "{ $name }".
arguments-unreadable = No se han podido leer los argumentos de { $name }.
field-missing = Falta el campo { $field }: { $expected }.
field-misfit = El campo { $field } debe ser { $expected }.
a-text = un texto de { $max } caracteres como máximo
a-date = una fecha como 2026-11-24
a-time = una hora como 14:30
a-phone-number = un número de teléfono como +15552010100
an-email-address = una dirección de correo electrónico
a-number = un número entero de { $min } a { $max }
