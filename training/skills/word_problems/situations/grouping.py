"""Groups, and what each of them has. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

GROUPING = (
    Situation(
        name="classes",
        numbers={"a": (2, 40), "b": (5, 25), "c": (5, 25), "d": (2, 9), "e": (2, 30)},
        facts=(
            (
                "a school has {a} classes",
                "there are {a} classes in a school",
                "a camp has {a} groups of children",
                "{a} classes go on a trip",
                "{a} teams take part in a festival",
            ),
            (
                "each of them has {b} boys and {c} girls",
                "in each there are {b} boys and {c} girls",
                "{b} boys and {c} girls are in each one",
                "every one is made up of {b} boys and {c} girls",
                "each one has {b} boys, and {c} girls",
            ),
        ),
        questions=(
            Question(
                formula="a*(b+c)",
                wordings=(
                    "how many children are there in all?",
                    "how many children is that altogether?",
                    "what is the total number of children?",
                    "find the number of boys and girls together.",
                    "how many children are there in total?",
                ),
            ),
            Question(
                formula="a*(b+c)*d",
                facts=(
                    (
                        "every child needs {d} {items}",
                        "every child gets {d} {items}",
                        "each child brings {d} {items}",
                        "each boy and each girl is given {d} {items}",
                    ),
                ),
                wordings=(
                    "how many {items} is that in all?",
                    "how many {items} are there in total?",
                    "how many {items} are needed altogether?",
                    "find the total number of {items}.",
                ),
            ),
            Question(
                formula="a*(b+c)+e",
                facts=(
                    (
                        "{e} teachers come too",
                        "there are also {e} teachers",
                        "{e} parents join them",
                        "{e} grown-ups look after the children",
                    ),
                ),
                wordings=(
                    "how many people are there in all?",
                    "how many people is that?",
                    "what is the total number of people?",
                    "how many people come altogether?",
                ),
            ),
        ),
    ),
    Situation(
        name="garden",
        numbers={"a": (2, 40), "b": (2, 40), "c": (2, 30), "d": (2, 40)},
        facts=(
            (
                "a garden has {a} rows of {b} trees",
                "{Name} plants {a} rows of {b} trees",
                "there are {b} trees in each of {a} rows",
                "an orchard is made up of {a} rows with {b} trees each",
                "{Name} owns {a} rows of {b} trees",
            ),
        ),
        questions=(
            Question(
                formula="a*b*c",
                facts=(
                    (
                        "each tree bears {c} pieces of fruit",
                        "every tree gives {c} fruits",
                        "{c} fruits grow on each tree",
                        "{Name} picks {c} fruits from each tree",
                    ),
                ),
                wordings=(
                    "how many fruits is that in all?",
                    "how many fruits are there?",
                    "what is the total number of fruits?",
                    "how much fruit do all the trees give?",
                ),
            ),
            Question(
                formula="a*b-d",
                facts=(
                    (
                        "{d} of the trees die",
                        "{d} of the trees are cut down",
                        "a storm breaks {d} of the trees",
                        "{d} of the trees are sold",
                    ),
                ),
                wordings=(
                    "how many trees are left?",
                    "how many trees remain?",
                    "how many trees are there now?",
                    "what is the number of trees that are still there?",
                ),
            ),
        ),
    ),
    Situation(
        name="legs",
        numbers={"a": (2, 60), "b": (2, 60)},
        facts=(
            (
                "a farmer has {a} cows and {b} hens",
                "there are {a} cows and {b} hens on a farm",
                "{Name} counts {a} cows and {b} hens",
                "{a} cows and {b} hens stand in a yard",
            ),
        ),
        questions=(
            Question(
                formula="a*4+b*2",
                wordings=(
                    "how many legs do the animals have in all?",
                    "how many legs is that?",
                    "what is the total number of legs?",
                    "how many legs are there altogether?",
                ),
            ),
            Question(
                formula="a+b",
                wordings=(
                    "how many animals is that?",
                    "how many animals are there in all?",
                    "find the number of animals.",
                    "how many heads do they have in total?",
                ),
            ),
        ),
    ),
)
