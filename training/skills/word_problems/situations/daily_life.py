"""Markets, trips, teams and meals in the longer sentences that people write. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_EARNED = (
    "how much money does {Name} make that way?",
    "how many dollars does {he} earn with that?",
    "how much does {Name} take in, in dollars?",
    "what does all of this bring in?",
    "find out how many dollars {Name} gets for it.",
)
_STILL = (
    "how many {items} are still to come?",
    "how many more {items} does {Name} need?",
    "how many {items} are missing?",
    "what number of {items} has yet to be found?",
)

DAILY_LIFE = (
    Situation(
        name="used twice, rest sold",
        numbers={"t": (12, 120), "a": (2, 20), "b": (2, 20), "p": (2, 12), "d": (2, 7)},
        facts=(
            (
                "every day {Name} picks {t} {items} in the garden",
                "{Name}, who runs a small farm, gathers {t} {items} each day",
                "there are {t} new {items} for {Name} every morning",
                "each morning {Name} finds {t} {items} behind the house",
            ),
            (
                "{he} keeps {a} for {his} family and gives {b} to {Other}",
                "of these, {a} are used for breakfast and {b} for a cake",
                "{a} go to a neighbor and {b} to a school",
                "after using {a} at home and handing {b} to {Other}, {he} has the rest to sell",
            ),
            (
                "what remains is sold at the {shop} for ${p} apiece",
                "{he} sells the remaining ones for ${p} each",
                "people pay ${p} for each of those that are left",
                "for every one of the rest {he} charges ${p}",
            ),
        ),
        questions=(
            Question(formula="(t-a-b)*p", wordings=_EARNED),
            Question(
                formula="(t-a-b)*p*d",
                facts=(
                    (
                        "this goes on for {d} days",
                        "{he} does so on {d} days",
                        "it is the same for {d} days",
                    ),
                ),
                wordings=_EARNED,
            ),
        ),
    ),
    Situation(
        name="half that much",
        numbers={"h": (1, 60), "a": "h*2", "n": (2, 12)},
        facts=(
            (
                "a recipe takes {a} cups of flour and half that much sugar",
                "{Name} uses {a} pieces of {color} cloth and half as many of {color2} cloth",
                "to make a wall, {a} large stones and half that number of small ones are needed",
                "a {worker} needs {a} long nails and half as many short ones",
            ),
        ),
        questions=(
            Question(
                formula="a/2+a",
                wordings=(
                    "how many is that in total?",
                    "how many are needed altogether?",
                    "how much is it in all, both together?",
                    "find the total of both.",
                ),
            ),
            Question(
                formula="(a/2+a)*n",
                facts=(
                    (
                        "it is to be made {n} times",
                        "all of that is done {n} times",
                        "there are {n} orders for it",
                    ),
                ),
                wordings=(
                    "how many is that in total?",
                    "how many are needed altogether?",
                    "how much is it in all, both together?",
                ),
            ),
        ),
    ),
    Situation(
        name="times a week",
        numbers={"a": (2, 12), "b": (2, 6), "c": (10, 400, 10), "w": (2, 12)},
        facts=(
            (
                "{Name} decides to run {a} sprints {b} times a week",
                "{b} times a week {Name} swims {a} lengths",
                "as training, {Name} rides {a} rounds on {b} days of every week",
                "{Name} climbs a tower {a} times on each of {b} days a week",
            ),
            (
                "each of them is {c} meters long",
                "every one of these has {c} meters",
                "one of them measures {c} meters",
                "that is {c} meters each time",
            ),
        ),
        questions=(
            Question(
                formula="a*b*c",
                wordings=(
                    "how many meters does {he} make a week?",
                    "what distance is that in one week?",
                    "how many meters are covered every week?",
                ),
            ),
            Question(
                formula="a*b*c*w",
                wordings=(
                    "how many meters does {he} make in {w} weeks?",
                    "what distance is that in {w} weeks?",
                    "how many meters are covered within {w} weeks?",
                ),
            ),
        ),
    ),
    Situation(
        name="three kinds bought",
        numbers={
            "a": (2, 12),
            "b": (2, 12),
            "c": (2, 12),
            "q": (4, 120),
            "p": "q/4",
            "r": (2, 60),
            "s": (2, 60),
            "m": (100, 900, 10),
        },
        facts=(
            (
                "{Name} went shopping and bought {a} {items}, {b} {items2} and {c} {items3}",
                "{a} {items}, {b} {items2} and {c} {items3} are on {Name}'s list",
                "for a party {Name} orders {a} {items}, {b} {items2} and {c} {items3}",
                "{Name} puts {a} {items}, {b} {items2} and {c} {items3} into a cart",
            ),
            (
                "one {item} costs ${p}, one {item2} ${r} and one {item3} ${s}",
                "the {items} are ${p} each, the {items2} ${r} each and the {items3} ${s} each",
                "an {item} is ${p}, while {items2} cost ${r} and {items3} ${s} apiece",
                "the price is ${p} for each {item}, ${r} for each {item2} and ${s} for each {item3}",
            ),
        ),
        questions=(
            Question(
                formula="a*p+b*r+c*s",
                wordings=(
                    "how much does {Name} spend in total?",
                    "how many dollars does {he} spend on all of it?",
                    "what is the whole bill?",
                    "how much is the total cost?",
                ),
            ),
            Question(
                formula="a*p+b*r-c*s",
                wordings=(
                    "how much more do the {items} and {items2} cost than the {items3}?",
                    "by how many dollars are the {items} and {items2} together above the {items3}?",
                    "how many dollars less do the {items3} cost than all the others?",
                ),
            ),
        ),
    ),
    Situation(
        name="stops on a way",
        numbers={"a": (2, 60), "b": (2, 60), "c": (2, 90), "t": "a+b+c", "n": (2, 9)},
        facts=(
            (
                "on a ride of {t} miles {Name} stops twice",
                "{Name} makes two stops on a way of {t} miles",
                "a {vehicle} has two stops on its route of {t} miles",
            ),
            (
                "the first stop comes after {a} miles, the second {b} miles before the end",
                "it is {a} miles to the first stop, and from the second {b} miles to the goal",
                "one stop is {a} miles behind the start and the other {b} miles short of the end",
            ),
        ),
        questions=(
            Question(
                formula="t-a-b",
                wordings=(
                    "how many miles are between the two stops?",
                    "how far apart are the stops?",
                    "what is the distance from one stop to the other?",
                ),
            ),
        ),
    ),
    Situation(
        name="goal in parts",
        numbers={
            "a": (2, 60),
            "b": (2, 60),
            "c": (2, 60),
            "r": (2, 90),
            "t": "a+b+c+r",
            "k": (2, 4),
        },
        facts=(
            (
                "{Name} wants to collect {t} {items} for a school",
                "the goal of {Name} is to sell {t} {items}",
                "{Name} has promised to bring {t} {items}",
                "{t} {items} have to be made by {Name} this week",
            ),
            (
                "on {day} {he} got {a} of them, on {day2} {b} and on {day3} {c}",
                "so far there were {a} on {day}, {b} on {day2} and {c} on {day3}",
                "{he} managed {a} on {day}, then {b} on {day2}, and {c} more on {day3}",
            ),
        ),
        questions=(Question(formula="t-(a+b+c)", wordings=_STILL),),
    ),
    Situation(
        name="customers",
        numbers={"a": (2, 12), "b": (2, 9), "c": (2, 12), "d": (2, 9), "p": (2, 30)},
        facts=(
            (
                "the first {a} customers of the day buy {b} {items} each",
                "{a} people come in the morning, and each of them takes {b} {items}",
                "before noon {Name} has {a} customers who want {b} {items} each",
            ),
            (
                "the next {c} customers buy {d} each",
                "in the afternoon {c} others take {d} {items} each",
                "later {c} people come, every one of whom needs {d}",
            ),
        ),
        questions=(
            Question(
                formula="a*b+c*d",
                wordings=(
                    "how many {items} are sold that day?",
                    "how many {items} is that for the day?",
                    "find how many {items} were sold in all.",
                ),
            ),
            Question(
                formula="(a*b+c*d)*p",
                facts=(
                    (
                        "one {item} costs ${p}",
                        "the price of each {item} is ${p}",
                        "every {item} brings in ${p}",
                    ),
                ),
                wordings=(
                    "how much money is made that day?",
                    "how many dollars does the day bring?",
                    "how much do all of them pay together?",
                ),
            ),
        ),
    ),
    Situation(
        name="weight of things",
        numbers={"a": (2, 30), "b": (2, 20), "c": (2, 30), "d": (2, 20), "e": (2, 50)},
        facts=(
            (
                "{Name} carries {a} books that weigh {b} ounces each",
                "each of {a} books weighs {b} ounces",
                "in a {box} there are {a} books of {b} ounces each",
            ),
            (
                "the {box2} in which they lie weighs {e} ounces itself",
                "the empty {box2} for them weighs {e} ounces",
                "{e} ounces have to be added for the {box2} around them",
            ),
        ),
        questions=(
            Question(
                formula="a*b+e",
                wordings=(
                    "how many ounces is all of it?",
                    "what is the weight of everything together, in ounces?",
                    "how heavy is that in all?",
                ),
            ),
            Question(
                formula="a*b+e-c*b",
                facts=(
                    (
                        "{c} of the books are taken out",
                        "{Other} takes {c} of the books away",
                        "then {c} books less are in there",
                    ),
                ),
                wordings=(
                    "how many ounces is it then?",
                    "how heavy is what is left with that {box2}?",
                    "what is the weight after that, in ounces?",
                ),
            ),
        ),
    ),
)
