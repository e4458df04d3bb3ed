"""Who is who in the demo's story: companies, people, products, customers. All invented; addresses end in .example.

`demo_story.py` makes the ledger from this.
"""
# ruff: noqa: E501 (a table: a customer is a line)
import datetime
from typing import NamedTuple

US, EU = "us", "eu"
COMPANIES = {
    US: {
        'name': "Larkfield Instruments, Inc.", 'street': "214 Foundry Street", 'city': "Lowell", 'zip': "01852",
        'country': 'us', 'state': 'state_us_34', 'currency': 'USD', 'tz': 'UTC', 'domain': "larkfield.example",
        'phone': "+1 978 555 0142", 'color': "#1F5673", 'lang': 'en_US', 'account': "000123456789",
        'tax': ("Sales Tax 6.25%", 6.25),
    },
    EU: {
        'name': "Larkfield Instruments Europe GmbH", 'street': "Speicherdeich 7", 'city': "Hamburg", 'zip': "20539",
        'country': 'de', 'state': None, 'currency': 'EUR', 'tz': 'Europe/Berlin', 'domain': "larkfield-europe.example",
        'phone': "+49 40 5550 1180", 'color': "#2E6F57", 'lang': 'de_DE', 'account': "DE02 1203 0000 0000 2020 51",
        'tax': ("USt 19%", 19.0),
    },
}
CURRENCIES = ('USD', 'EUR', 'GBP')
LANGUAGES = ('de_DE', 'fr_FR', 'es_ES', 'nl_NL')

# login (and password), name, groups
USERS = (
    ('admin', "Alex Rivera", ()),
    ('manager', "Rosa Lindqvist", ('ar_coordinator.group_ar_manager', 'account.group_account_manager')),
    ('clerk', "Dana Whitlock", ('ar_coordinator.group_ar_user',)),
    ('reader', "Samuel Okoro", ('ar_coordinator.group_ar_readonly',)),
    ('sales', "Priya Raman", ('sales_team.group_sale_salesman',)),
    ('marcus', "Marcus Oyelaran", ('sales_team.group_sale_salesman',)),
    ('elena', "Elena Fuchs", ('sales_team.group_sale_salesman',)),
)
SHOWN_USERS = {
    'admin': "everything", 'manager': "approves and configures", 'clerk': "works the desk", 'reader': "sees, changes nothing",
    'sales': "a salesperson, no accounting", 'customer': "a customer on the portal"}

# name, price in USD
PRODUCTS = (
    ("LM-40 bench multimeter", 1180.0),
    ("PG-12 digital pressure gauge", 465.0),
    ("TC-8 thermal camera", 3240.0),
    ("DL-2 data logger, 8 channels", 890.0),
    ("TW-60 torque wrench set", 725.0),
    ("FM-30 ultrasonic flow meter", 2150.0),
    ("Probe and lead kit", 148.0),
    ("Annual calibration, per instrument", 210.0),
    ("On-site training day", 1450.0),
)


class Customer(NamedTuple):
    name: str
    company: str  # 'us', 'eu' or 'both'
    country: str
    zip: str
    city: str
    street: str
    lang: str = 'en_US'
    currency: str = ''  # the company's own, if empty
    payer: str = 'ontime'  # see demo_story.PAYERS
    monthly: float = 1.0  # how often the customer buys: invoices in 36 days
    size: int = 2  # typical number of pieces per line
    terms: int = 30  # days; 0: 30 % in 10, 70 % in 40 days
    scene: str = ''  # see demo_story.Story, the methods _scene_*
    email: bool = True
    billing: str = ''  # a department or person with its own address who gets the invoices


CUSTOMERS = (
    # The American company.
    Customer("Aldergate Robotics", US, 'us', "02118", "Boston", "88 Harrison Court", payer='prompt', monthly=1.4, size=4, billing="Accounts Payable"),
    Customer("Brightwater Municipal Utilities", US, 'us', "01608", "Worcester", "1 Reservoir Plaza", payer='ontime', monthly=1.2, size=5, terms=45),
    Customer("Cascadia Fine Optics", US, 'us', "98109", "Seattle", "510 Dexter Row", payer='ontime', monthly=0.8, size=3),
    Customer("Copper Kettle Brewing Supply", US, 'us', "80205", "Denver", "2750 Larimer Yard", payer='late', monthly=0.7, scene='dispute_whole'),
    Customer("Delmarva Food Laboratories", US, 'us', "19901", "Dover", "33 Loockerman Green", payer='ontime', monthly=0.6, scene='short_payment'),
    Customer("Eastlake Medical Devices", US, 'us', "44114", "Cleveland", "1200 Lakeside Quay", payer='growing', monthly=1.3, size=3, billing="Finance Shared Services"),
    Customer("Fairhaven Shipyard", US, 'us', "02719", "Fairhaven", "2 Drydock Road", payer='slow', monthly=0.9, size=4, scene='dispute_part'),
    Customer("Granite Notch Aerospace", US, 'us', "03060", "Nashua", "75 Runway Drive", payer='prompt', monthly=1.1, size=5, terms=45),
    Customer("Hollins Valley School District", US, 'us', "24012", "Roanoke", "400 Orchard Avenue", payer='late', monthly=0.4, scene='forgotten', email=False),
    Customer("Ironbridge Fabrication", US, 'us', "15212", "Pittsburgh", "19 Smelter Way", payer='stopped', monthly=0.9, size=3),
    Customer("Juniper Mesa Solar", US, 'us', "87102", "Albuquerque", "640 Alvarado Loop", payer='ontime', monthly=0.7, scene='overpaid'),
    Customer("Kestrel & Moore Calibration", US, 'us', "17101", "Harrisburg", "12 River Terrace", payer='instalments', monthly=0.7, size=4, terms=0),
    Customer("Lakeshore Pump & Valve", US, 'us', "53202", "Milwaukee", "905 Jefferson Dock", payer='late', monthly=0.8, scene='unapplied_cash'),
    Customer("Maple Ridge Dairy Cooperative", US, 'us', "05401", "Burlington", "70 Battery Hill", payer='better', monthly=0.8),
    Customer("Northfork Environmental Testing", US, 'us', "59802", "Missoula", "231 Clark Bend", payer='late', monthly=0.7, scene='credit_note_open'),
    Customer("Oakhurst University", US, 'us', "02155", "Medford", "1 College Green", payer='slow', monthly=0.9, size=2, terms=45, billing="Procurement Office"),
    Customer("Pinecrest Power Systems", US, 'us', "27601", "Raleigh", "318 Wilmington Mill", payer='worse', monthly=1.0, size=4),
    Customer("Quarry Lane Stoneworks", US, 'us', "05641", "Barre", "6 Quarry Lane", payer='parts', monthly=0.6),
    Customer("Redwood Coast Timber", US, 'us', "95501", "Eureka", "1450 Wharf Street", payer='gone', monthly=0.7, email=False),
    Customer("Saltmarsh Biotech", US, 'us', "02139", "Cambridge", "700 Kendall Passage", payer='prompt', monthly=1.2, size=3),
    Customer("Tidewater HVAC Services", US, 'us', "23510", "Norfolk", "88 Granby Slip", payer='late', monthly=0.8, scene='due_today'),
    Customer("Umber Creek Mining", US, 'us', "89801", "Elko", "Mile 14, Ruby Road", payer='slow', monthly=0.6, size=6, scene='dispute_rejected'),
    Customer("Vantage Hill Hospital", US, 'us', "02903", "Providence", "55 Vantage Hill", payer='ontime', monthly=1.0, size=3, terms=45, scene='no_followup'),
    Customer("Westerly Boatyard", US, 'us', "02891", "Westerly", "9 Canal Street", payer='late', monthly=0.5, terms=15, scene='paused'),
    Customer("Yellow Birch Woodworks", US, 'us', "49855", "Marquette", "411 Spring Hollow", payer='late', monthly=0.4, scene='credit_covers_all'),
    Customer("Zephyr Drone Inspection", US, 'us', "78702", "Austin", "1900 Chicon Yard", payer='newcomer', monthly=1.6),
    Customer("Maison Desrosiers Instruments", US, 'ca', "H2Y 1C6", "Montréal", "380, rue du Vieux-Quai", 'fr_FR', payer='late', monthly=0.7, size=3),
    Customer("Laurentide Acier", US, 'ca', "G1K 4A1", "Québec", "25, chemin des Forges", 'fr_FR', payer='slow', monthly=0.5),
    Customer("Thornbury Metrology", US, 'gb', "BS1 4DJ", "Bristol", "14 Redcliffe Backs", currency='GBP', payer='ontime', monthly=0.8, size=3),
    Customer("Peakdale Laboratories", US, 'gb', "S1 2HE", "Sheffield", "The Crucible Works", currency='GBP', payer='late', monthly=0.7),
    Customer("Castlegate Offshore", US, 'gb', "AB11 5BD", "Aberdeen", "3 Regent Basin", currency='GBP', payer='worse', monthly=0.7, size=4),
    Customer("Instrumentos del Bajío", US, 'mx', "76000", "Querétaro", "Av. del Acueducto 112", 'es_ES', payer='late', monthly=0.6),
    Customer("Talleres Ocampo", US, 'mx', "64000", "Monterrey", "Calle Fundidora 8", 'es_ES', payer='parts', monthly=0.5),
    Customer("Rheinufer Messtechnik", US, 'de', "50667", "Köln", "Am Leystapel 21", 'de_DE', 'EUR', payer='slow', monthly=0.8, size=3, scene='dispute_investigating'),
    # The European company.
    Customer("Almwerk Maschinenbau", EU, 'de', "83022", "Rosenheim", "Innleite 4", 'de_DE', payer='prompt', monthly=1.1, size=4),
    Customer("Brück & Söhne Feinmechanik", EU, 'de', "28195", "Bremen", "Langenwall 60", 'de_DE', payer='ontime', monthly=0.9, billing="Kreditorenbuchhaltung"),
    Customer("Deichkrone Pumpen", EU, 'de', "26721", "Emden", "Am Siel 3", 'de_DE', payer='late', monthly=0.8, scene='dispute_part'),
    Customer("Elbtal Labortechnik", EU, 'de', "01067", "Dresden", "Ostra-Ufer 18", 'de_DE', payer='ontime', monthly=0.7, scene='draft'),
    Customer("Fährhaus Werft", EU, 'de', "24103", "Kiel", "Hörnkai 9", 'de_DE', payer='stopped', monthly=0.8, size=4),
    Customer("Höhenklinik Sonnstein", EU, 'at', "6020", "Innsbruck", "Nordkettenweg 70", 'de_DE', payer='slow', monthly=0.6, email=False),
    Customer("Hartholz Möbelwerke", EU, 'de', "32756", "Detmold", "Sägemühle 1", 'de_DE', payer='parts', monthly=0.6),
    Customer("Isartor Klinikbedarf", EU, 'de', "80331", "München", "Zwingerstraße 12", 'de_DE', payer='growing', monthly=1.3, size=3),
    Customer("Donaublick Brauerei", EU, 'at', "4020", "Linz", "Untere Lände 33", 'de_DE', payer='late', monthly=0.6, terms=15),
    Customer("Ateliers Vauclair", EU, 'fr', "69002", "Lyon", "17, quai des Tisserands", 'fr_FR', payer='late', monthly=0.8, size=3, terms=45),
    Customer("Boulangeries Fontbelle", EU, 'fr', "44000", "Nantes", "4, allée des Meuniers", 'fr_FR', payer='slow', monthly=0.6),
    Customer("Chantiers Kerguen", EU, 'fr', "29200", "Brest", "Quai du Ponant", 'fr_FR', payer='late', monthly=0.7, size=3, scene='unapplied_cash'),
    Customer("Domaine Roquebrise", EU, 'fr', "33000", "Bordeaux", "Chai n° 5", 'fr_FR', payer='gone', monthly=0.5),
    Customer("Établissements Marchetière", EU, 'fr', "59000", "Lille", "92, rue des Filatures", 'fr_FR', payer='worse', monthly=0.9, size=3, billing="Service comptabilité fournisseurs"),
    Customer("Laboratoires Saint-Aubrac", EU, 'fr', "31000", "Toulouse", "8, impasse du Canal", 'fr_FR', payer='ontime', monthly=0.8, scene='credit_note_open'),
    Customer("Mécanique Delvaulx", EU, 'be', "4000", "Liège", "Rue du Laminoir 40", 'fr_FR', payer='instalments', monthly=0.6, size=4, terms=0),
    Customer("Bodegas Torrealta", EU, 'es', "26001", "Logroño", "Camino de las Viñas 2", 'es_ES', payer='slow', monthly=0.6, size=2),
    Customer("Cerámicas Montesol", EU, 'es', "12001", "Castellón", "Polígono El Serrallo 14", 'es_ES', payer='late', monthly=0.7, size=3, scene='dispute_accepted'),
    Customer("Hidráulica Puertolago", EU, 'es', "50001", "Zaragoza", "Paseo del Canal 77", 'es_ES', payer='parts', monthly=0.6),
    Customer("Náutica Calabrisa", EU, 'es', "46024", "Valencia", "Muelle Norte 3", 'es_ES', payer='ontime', monthly=0.5, scene='due_today'),
    Customer("Polderzicht Kassenbouw", EU, 'nl', "2671", "Naaldwijk", "Kasweg 15", 'nl_NL', payer='late', monthly=0.8, size=3, scene='forgotten'),
    Customer("Scheepswerf De Roerdomp", EU, 'nl', "8861", "Harlingen", "Noorderhaven 40", 'nl_NL', payer='slow', monthly=0.6, scene='dispute_whole'),
    Customer("Meetdienst Verhaegen", EU, 'be', "9000", "Gent", "Leiekaai 5", 'nl_NL', payer='better', monthly=0.6),
    Customer("Glenmorran Distillery Services", EU, 'gb', "IV1 1JD", "Inverness", "Old Maltings", currency='GBP', payer='late', monthly=0.6),
    Customer("Severnside Water Testing", EU, 'gb', "GL1 2EH", "Gloucester", "Victoria Docks", currency='GBP', payer='slow', monthly=0.6, scene='overpaid'),
    # A customer of both.
    Customer("Halvorsen Marine Group", 'both', 'no', "5003", "Bergen", "Bryggekaien 11", payer='late', monthly=0.8, size=4),
)

# Limits as shares of what a customer owes; 0: no credit.
CREDIT_LIMITS = {
    "Aldergate Robotics": 2.0, "Brightwater Municipal Utilities": 1.6, "Cascadia Fine Optics": 1.8,
    "Copper Kettle Brewing Supply": 1.3, "Eastlake Medical Devices": 1.1, "Fairhaven Shipyard": 1.4,
    "Granite Notch Aerospace": 2.2, "Ironbridge Fabrication": 1.05, "Oakhurst University": 1.5,
    "Pinecrest Power Systems": 0.7, "Redwood Coast Timber": 0, "Saltmarsh Biotech": 2.0, "Tidewater HVAC Services": 1.2,
    "Vantage Hill Hospital": 2.5, "Castlegate Offshore": 0.8, "Rheinufer Messtechnik": 1.3,
    "Almwerk Maschinenbau": 2.0, "Deichkrone Pumpen": 1.2, "Domaine Roquebrise": 0, "Isartor Klinikbedarf": 1.15,
    "Établissements Marchetière": 0.75, "Ateliers Vauclair": 1.4, "Scheepswerf De Roerdomp": 1.3,
}
PORTAL_CUSTOMER = "Fairhaven Shipyard"  # logs in as customer


def story_today():
    """Today as the companies' clocks and the database's have it, wherever the machine is."""
    return datetime.datetime.now(datetime.UTC).date()
