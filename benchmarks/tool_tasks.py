"""Tasks for `own_tools.py`, and the tools that they are done with."""

from dataclasses import dataclass

from langchain_core.tools import BaseTool

from agentkit import tool


@tool
def bookings(vessel: str) -> int:
    """How many passengers have booked a vessel for today.

    Args:
        vessel: The name of the vessel.
    """
    return {"brida": 31, "halcyon": 40}.get(vessel.lower(), 0)


@tool
def wind(place: str) -> str:
    """The wind that is measured at a place at this moment.

    Args:
        place: The name of the place, such as a harbour.
    """
    return f"{place}: 21 metres per second from the west"


@tool
def exchange_rate(currency: str) -> str:
    """Today's exchange rate: how many crowns one unit of a currency costs.

    Args:
        currency: The currency's code, such as EUR.
    """
    return {"EUR": "11.50 crowns", "USD": "10.00 crowns"}.get(currency.upper(), "unknown currency")


@tool(effects=True)
def send_message(to: str, text: str) -> str:
    """Send a short message to a person.

    Args:
        to: Who gets it.
        text: What it says.
    """
    return f"{len(text)} characters sent to {to}"


@tool
def today() -> str:
    """Today's date."""
    return "2024-11-20"


@tool
def stock(product: str) -> int:
    """How many pieces of a product are in stock.

    Args:
        product: The product's name, such as "M4 screw".
    """
    return {"m4 screw": 1200, "hinge": 48, "door": 7}.get(product.lower().rstrip("s"), 0)


@tool
def price(product: str) -> float:
    """The price of one piece of a product in euros.

    Args:
        product: The product's name, such as "M4 screw".
    """
    return {"m4 screw": 0.12, "hinge": 3.5, "door": 89.0}.get(product.lower().rstrip("s"), 0.0)


@tool
def birthday(person: str) -> str:
    """When a person of the staff was born.

    Args:
        person: The first name.
    """
    return {"anna": "1984-03-02", "tobias": "1990-12-24"}.get(person.lower(), "nobody of that name")


@tool
def list_files(folder: str) -> str:
    """The names of the files in a folder.

    Args:
        folder: The folder's path.
    """
    return {"invoices": "a.pdf\nb.pdf\nc.txt", "notes": "todo.md"}.get(folder.strip("/"), "no such folder")


@tool
def read_text(path: str) -> str:
    """The text of a file.

    Args:
        path: The file's path.
    """
    return "Buy milk\nCall Anna about the hinges" if "todo" in path else "Invoice 17: 4 doors, 356 euros"


@tool(effects=True)
def set_light(room: str, brightness: int) -> str:
    """Set the brightness of the light in a room.

    Args:
        room: The room's name.
        brightness: From 0, which is off, to 100.
    """
    return f"the light in {room} is at {brightness} percent"


@tool
def order_status(order_number: int) -> str:
    """Where an order is at this moment.

    Args:
        order_number: The order's number.
    """
    return {4711: "on its way, last seen in Rotterdam", 815: "delivered on 2026-11-20"}.get(
        order_number, "unknown order"
    )


@tool
def shipping_cost(weight: float, country: str) -> str:
    """What it costs to send a parcel.

    Args:
        weight: In kilograms.
        country: The country that it goes to.
    """
    return f"{6.30 * weight:.2f} euros to {country}"


@tool(effects=True)
def cancel_order(order_number: int) -> str:
    """Cancel an order.

    Args:
        order_number: The order's number.
    """
    return f"order {order_number} is cancelled"


@tool
def temperature(city: str) -> str:
    """The temperature outside in a city at this moment.

    Args:
        city: The name of the city.
    """
    return {"oslo": "-6 degrees Celsius", "rome": "14 degrees Celsius"}.get(city.lower(), "unknown city")


@tool
def calendar(date: str) -> str:
    """The appointments of a day in the user's calendar.

    Args:
        date: The day, as YYYY-MM-DD.
    """
    return {"2026-12-03": "09:00 dentist"}.get(date, "no appointments")


@tool(effects=True)
def add_appointment(date: str, time: str, title: str) -> str:
    """Put an appointment into the user's calendar.

    Args:
        date: The day, as YYYY-MM-DD.
        time: When it begins, as HH:MM.
        title: What it is.
    """
    return f"{title} is in the calendar on {date} at {time}"


@tool
def distance(start: str, end: str) -> str:
    """How many kilometres it is by road from one town to another.

    Args:
        start: The town where the way begins.
        end: The town where it ends.
    """
    return f"{start} to {end}: 75 kilometres"


@tool
def petrol_price() -> str:
    """What a litre of petrol costs today."""
    return "1.80 euros"


@tool
def population(town: str) -> int:
    """How many people live in a town.

    Args:
        town: The name of the town.
    """
    return {"lund": 94000, "ystad": 20000}.get(town.lower(), 0)


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked, with which tools, and what must come of it."""

    task: str
    tools: tuple[BaseTool, ...]
    needed: tuple[BaseTool, ...]
    """The tools without which it cannot be done, beside a calculator."""
    wanted: tuple[str, ...]
    """All of them must stand in the answer or, where something is to be done, in the arguments of its calls; of `a|b`
    one.
    """


DOCUMENTS_FIRST = (
    Task("How many passengers have booked Brida for today?", (bookings,), (bookings,), ("31",)),
    Task("What is the wind at the Fennay harbour at this moment?", (wind,), (wind,), ("21",)),
    Task("How many crowns does one euro cost today?", (exchange_rate,), (exchange_rate,), ("11.5",)),
    Task("Send Tobias Wynn the message 'The slates have arrived.'", (send_message,), (send_message,), ("arrived",)),
    Task("What is the date today?", (today, bookings), (today,), ("2024-11-20|November 20|20 November",)),
    Task("How many passengers can Brida carry?", (bookings,), (), ("162",)),
    Task("How much does the new sluice gate weigh?", (wind,), (), ("1,340",)),
    Task("Who was elected chair at the annual meeting in 2024?", (send_message,), (), ("Severine Coyle",)),
    Task("What does a share in the cooperative cost?", (exchange_rate,), (), ("260",)),
    Task("In which year was Brida built?", (today, bookings), (), ("1979",)),
    Task(
        "How many more passengers can Brida take today, after those who have booked?",
        (bookings,),
        (bookings,),
        ("131",),
    ),
    Task(
        "Is the wind at the Fennay harbour too strong for Brida at this moment?",
        (wind,),
        (wind,),
        ("yes|too strong|exceed|above|higher",),
    ),
    Task("How many euros does a share in the cooperative cost today?", (exchange_rate,), (exchange_rate,), ("22.6",)),
    Task(
        "Send Tobias Wynn a message with the weight of the new sluice gate.", (send_message,), (send_message,), ("340",)
    ),
    Task("How many years ago was Brida built, counted from today's date?", (today,), (today,), ("45",)),
    Task(
        "How many US dollars did the damage of the storm Borislav cost, at today's rate?",
        (exchange_rate,),
        (exchange_rate,),
        ("690",),
    ),
)
DOCUMENTS_SECOND = (
    Task("How many people have a booking on Halcyon today?", (bookings, wind), (bookings,), ("40",)),
    Task("Who is the skipper of Brida?", (bookings, wind), (), ("Runa Castell",)),
    Task("What was the highest gust of the storm Borislav?", (wind,), (), ("33.8",)),
    Task("What is the limit of wind for Brida, and what is the wind at Fennay now?", (wind,), (wind,), ("19", "21")),
    Task("Tell Runa Castell by message in which year Brida was built.", (send_message,), (send_message,), ("1979",)),
    Task(
        "What does a share in the cooperative cost in US dollars at today's rate?",
        (exchange_rate,),
        (exchange_rate,),
        ("26",),
    ),
)

_HARBOUR = (exchange_rate, wind, send_message, today)
_SHOP = (stock, price, birthday, send_message)
_HOUSE = (list_files, read_text, set_light)
ALONE = (
    Task("How many crowns does one euro cost today?", _HARBOUR, (exchange_rate,), ("11.5",)),
    Task("What is the date today?", _HARBOUR, (today,), ("2024-11-20|November 20|20 November",)),
    Task("Is it windy in Fennay right now?", _HARBOUR, (wind,), ("21|yes|windy",)),
    Task("How many crowns do I get for 250 US dollars?", _HARBOUR, (exchange_rate,), ("2500|2,500",)),
    Task("Tell Maria that the ferry is late.", _HARBOUR, (send_message,), ("ferry is late",)),
    Task(
        "Send Maria a message with today's exchange rate of the euro.",
        _HARBOUR,
        (exchange_rate, send_message),
        ("11.5",),
    ),
    Task("How many days is it until Christmas?", _HARBOUR, (today,), ("35",)),
    Task("What is the capital of France?", _HARBOUR, (), ("Paris",)),
    Task("What is 17 * 23?", _HARBOUR, (), ("391",)),
    Task("Write a haiku about the sea.", _HARBOUR, (), ()),
    Task("How many hinges are in stock?", _SHOP, (stock,), ("48",)),
    Task("What do 12 hinges cost?", _SHOP, (price,), ("42",)),
    Task("Are there enough doors in stock for an order of 10?", _SHOP, (stock,), ("7|no, ",)),
    Task(
        "What is the value of all doors in stock?",
        _SHOP,
        (stock, price),
        ("623",),
    ),
    Task("Who is older, Anna or Tobias?", _SHOP, (birthday,), ("Anna",)),
    Task(
        "Let Tobias know how many M4 screws we have.",
        _SHOP,
        (stock, send_message),
        ("1200|1,200",),
    ),
    Task("When was Anna born?", _SHOP, (birthday,), ("1984",)),
    Task("Explain in one sentence what a hinge is.", _SHOP, (), ("hinge",)),
    Task("Which files are in the folder notes?", _HOUSE, (list_files,), ("todo.md",)),
    Task("What does notes/todo.md say?", _HOUSE, (read_text,), ("milk",)),
    Task("Turn the kitchen light off.", _HOUSE, (set_light,), ("kitchen", "'brightness': 0")),
    Task("Dim the light in the bedroom to a third.", _HOUSE, (set_light,), ("33|30",)),
    Task("Read every file in the folder notes and tell me whom I should call.", _HOUSE, (read_text,), ("Anna",)),
    Task("Translate 'good morning' into French.", _HOUSE, (), ("bonjour",)),
    Task("How many files are in the folder invoices?", _HOUSE, (list_files,), ("3|three",)),
    Task("How many euros are 100 British pounds? Use the rates.", _HARBOUR, (exchange_rate,), ("114",)),
)
_ORDERS = (order_status, shipping_cost, cancel_order)
_DAYS = (temperature, calendar, add_appointment)
_ROADS = (distance, petrol_price, population)
ALONE_FRESH = (
    Task("Where is order 4711?", _ORDERS, (order_status,), ("Rotterdam",)),
    Task("What does it cost to send 3 kg to Norway?", _ORDERS, (shipping_cost,), ("18.9",)),
    Task("Cancel order 4711 please.", _ORDERS, (cancel_order,), ("4711",)),
    Task(
        "Is order 815 delivered yet?",
        _ORDERS,
        (order_status,),
        ("yes|delivered on|has been delivered|is delivered|was delivered",),
    ),
    Task("Write a polite sentence that thanks a customer.", _ORDERS, (), ()),
    Task("Do I need a coat in Oslo now?", _DAYS, (temperature,), ("-6|yes|cold",)),
    Task("What appointments do I have on 2026-12-03?", _DAYS, (calendar,), ("dentist",)),
    Task(
        "Put lunch with Ines on 2026-12-04 at 12:30 into my calendar.",
        _DAYS,
        (add_appointment,),
        ("2026-12-04", "12:30", "ines"),
    ),
    Task("Am I free on 2026-12-05?", _DAYS, (calendar,), ("free|yes|no appointments",)),
    Task("What is the past tense of 'go'?", _DAYS, (), ("went",)),
    Task("Is it colder in Oslo or in Rome?", _DAYS, (temperature,), ("oslo is colder|colder in oslo",)),
    Task("How far is it from Lund to Ystad?", _ROADS, (distance,), ("75",)),
    Task("How much do 40 litres of petrol cost today?", _ROADS, (petrol_price,), ("72",)),
    Task("How many people live in Ystad?", _ROADS, (population,), ("20000|20,000",)),
    Task("How many people live in Lund and Ystad together?", _ROADS, (population,), ("114000|114,000",)),
    Task(
        "What does the petrol for a drive from Lund to Ystad cost today, if my car needs 6 litres for 100 kilometres?",
        _ROADS,
        (distance, petrol_price),
        ("8.1",),
    ),
    Task("What is 15 percent of 240?", _ROADS, (), ("36",)),
)
