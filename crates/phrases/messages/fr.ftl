# Français.

weekday = { $weekday ->
    [1] lundi
    [2] mardi
    [3] mercredi
    [4] jeudi
    [5] vendredi
    [6] samedi
   *[7] dimanche
}
month = { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
}
date = { $day ->
    [1] { weekday } 1er { month }
   *[other] { weekday } { $day } { month }
}
date-and-year = { date } { $year }
clock = { $minute ->
    [0] { $hour } h
   *[other] { $hour } h { $minutes }
}
moment = { date } à { clock }
range = de { $from } à { $to }
or = { $list } ou { $last }
and = { $list } et { $last }

## Bookings

booked = Le rendez-vous de { $name } est réservé pour le { $when }.
booked-for-service = Le rendez-vous ({ $service }) de { $name } est réservé pour le { $when }.
free = Créneaux libres : { $times }.
nothing-free = Il n'y a plus de créneau libre ce jour-là.
wrong-length = Un rendez-vous peut durer de { $min } à { $max } minutes.
past = Cette heure est déjà passée. Quelle autre heure vous conviendrait ?
past-date = Cette date est déjà passée. Vouliez-vous dire le { $date } ?
too-far-ahead = Cette date est trop éloignée. On peut réserver jusqu'au { $date }.
closed = Nous sommes fermés ce jour-là.
closed-because = Nous sommes fermés ce jour-là : { $reason }.
outside-hours = C'est en dehors de nos horaires. Ce jour-là, nous sommes ouverts { $hours }.
daylight-gap = Cette heure n'existe pas à cause du changement d'heure. La prochaine heure possible est { $when }.
taken = Cette heure est déjà prise. Je peux vous proposer { $times }.
taken-and-nothing-free = Cette heure est déjà prise et rien n'est libre dans les deux semaines qui suivent.

## Calls

nobody-answers = Nous sommes désolés, personne ne peut prendre votre appel pour le moment. Veuillez réessayer plus tard.
nowhere-to-transfer = Je suis désolé, il n'y a personne à qui je puisse transférer votre appel.
department-closed = Je suis désolé, ce service est fermé pour le moment.
which-department = Quel service souhaitez-vous joindre : { $names } ?
nobody-to-hand-over = Je suis désolé, personne d'autre ne peut prendre le relais.

## Failures

cannot-do = Je suis désolé, je ne peux pas faire cela pour le moment.
not-in-service = Je suis désolé, ce service n'est pas disponible pour le moment.
busy = Je suis désolé, nous sommes très occupés pour le moment. Veuillez réessayer dans une minute.
unreachable = Je suis désolé, notre système n'est pas joignable pour le moment. Veuillez réessayer plus tard.
too-slow = Je suis désolé, cela prend trop de temps. Veuillez réessayer.
too-many-at-once = Je suis désolé, cela fait trop de choses à la fois. Prenons-les l'une après l'autre.

## An assistant's arguments do not fit

no-such-tool = Il n'existe aucun outil nommé "{ $name }".
arguments-unreadable = Les arguments de { $name } n'ont pas pu être lus.
field-missing = Le champ { $field } manque : { $expected }.
field-misfit = Le champ { $field } doit être { $expected }.
a-text = un texte de { $max } caractères au plus
a-date = une date telle que 2026-11-24
a-time = une heure telle que 14:30
a-phone-number = un numéro de téléphone tel que +15552010100
an-email-address = une adresse e-mail
a-number = un nombre entier de { $min } à { $max }
