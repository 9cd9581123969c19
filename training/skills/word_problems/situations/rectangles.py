"""Areas and the way around them. Data only."""

from __future__ import annotations

from ..situation import Question, Situation

_PER_LENGTH = (
    "a fence costs ${p} for each unit of length",
    "one unit of fence is ${p}",
    "a border costs ${p} per unit of length",
    "every unit of length of a fence costs ${p}",
    "${p} is the price of one unit of fence",
    "a fence is sold at ${p} per unit",
    "the {shop} sells fence for ${p} a unit",
    "each unit of a wall along the edge costs ${p}",
    "for one unit of fence {Name} pays ${p}",
    "a builder asks ${p} for every unit of fence",
)
_PER_SQUARE = (
    "a new cover is ${p} per square unit",
    "a cover costs ${p} for each square unit",
    "material for one square unit costs ${p}",
    "${p} is the price of a cover for one square unit",
    "{Name} pays ${p} for every square unit of a new surface",
    "tiles are ${p} for each square unit",
    "the {shop} sells covers for ${p} a square unit",
    "a decorator asks ${p} for covering one square unit",
    "each square unit of stone costs ${p}",
    "to cover one square unit, ${p} is needed",
)

RECTANGLES = (
    Situation(
        name="rectangle",
        numbers={"a": (3, 90), "b": (2, 60), "p": (2, 20)},
        facts=(
            (
                "a garden is {a} feet long and {b} feet wide",
                "a field measures {a} by {b} meters",
                "a rectangle has sides of {a} and {b} meters",
                "the floor of the {place} is {a} feet by {b} feet",
                "{Name} has a yard of {a} by {b} meters",
                "a park is {b} yards wide and {a} yards long",
                "the length of a stage is {a} feet with a width of {b} feet",
                "a courtyard has a width of {b} meters and a length of {a} meters",
                "{Name} draws a rectangle with a width of {b} inches and a length of {a} inches",
                "a playground has the shape of a rectangle, {a} yards by {b} yards",
                "the two sides of a rectangle measure {a} and {b} inches",
                "a lawn with four right angles is {a} feet in length and {b} feet in width",
                "a rectangle with a width of {b} meters has a length of {a} meters",
            ),
        ),
        questions=(
            Question(
                formula="a*b",
                wordings=(
                    "what is its area?",
                    "how large is its area?",
                    "how many square units does it cover?",
                    "find the area.",
                    "work out its area.",
                    "how large is its surface?",
                    "calculate the area.",
                    "what area does it have?",
                    "how many squares with sides of one unit fit into it?",
                    "tell me how large its area is.",
                    "determine the area in square units.",
                ),
            ),
            Question(
                formula="(a+b)*2",
                wordings=(
                    "what is its perimeter?",
                    "how long is the way around it?",
                    "how long is a fence around it?",
                    "find the perimeter.",
                    "work out its perimeter.",
                    "how long are all four sides together?",
                    "calculate the perimeter.",
                    "what is the length of a line all around it?",
                    "how much tape does one need to go around it once?",
                    "tell me the sum of its four sides.",
                    "determine how long its edge is in all.",
                ),
            ),
            Question(
                formula="(a+b)*2*p",
                facts=(_PER_LENGTH,),
                wordings=(
                    "how much does it cost to go all around it?",
                    "what does it cost to go around all four sides?",
                    "how many dollars does the whole way around it cost?",
                    "find the cost for the way around it.",
                    "how much money is needed for all four sides?",
                    "work out what has to be paid for the whole edge.",
                    "calculate the cost of going around it once.",
                    "what is the price for the whole perimeter?",
                    "tell me how many dollars all four sides cost together.",
                    "how much is it for the entire perimeter?",
                ),
            ),
            Question(
                formula="a*b*p",
                facts=(_PER_SQUARE,),
                wordings=(
                    "how much does it cost to cover all of it?",
                    "how many dollars does it cost for the whole area?",
                    "what does that cost for all of it?",
                    "find the cost for the whole area.",
                    "how much money is needed to cover it completely?",
                    "work out the price of covering the whole of it.",
                    "calculate what has to be paid for the entire area.",
                    "what is the total cost for the whole surface?",
                    "tell me how many dollars it takes to cover it.",
                    "how many dollars have to be spent for the full area?",
                ),
            ),
        ),
    ),
    Situation(
        name="square",
        numbers={"a": (2, 90), "p": (2, 20)},
        facts=(
            (
                "a square has sides of {a} feet",
                "each side of a square is {a} meters long",
                "a square garden is {a} yards long on every side",
                "{Name} draws a square with sides of {a} inches",
                "the {place} has a square floor with a side of {a} feet",
                "one side of a square field measures {a} meters",
                "with {a} meters on each side, a yard is a square",
                "{a} inches is the length of every side of a square",
                "all four sides of a field in the form of a square are {a} feet long",
                "{Name} owns a square piece of land with a side of {a} yards",
            ),
        ),
        questions=(
            Question(
                formula="a*4",
                wordings=(
                    "what is its perimeter?",
                    "how long is the way around it?",
                    "how long is a fence around it?",
                    "find its perimeter.",
                    "work out how long all four sides are together.",
                    "calculate the perimeter of the square.",
                    "what is the length of a line all around it?",
                    "how far is it once around the square?",
                    "tell me the sum of its sides.",
                ),
            ),
            Question(
                formula="a*4*p",
                facts=(_PER_LENGTH,),
                wordings=(
                    "how much does it cost to go all around it?",
                    "what does it cost to go around the whole square?",
                    "how many dollars does the way around the square cost?",
                    "find the cost for all four sides of the square.",
                    "how much money is needed for the whole edge?",
                    "work out what has to be paid for its four sides.",
                    "calculate the cost of going around the square.",
                    "what is the price for the perimeter of the square?",
                    "tell me how many dollars the four sides cost together.",
                ),
            ),
        ),
    ),
)
