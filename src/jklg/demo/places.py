"""Where the demo agency goes. Heights, coordinates and seasons are those of the places."""

from __future__ import annotations

from decimal import Decimal

from jklg.catalogue import NewDestination

DESTINATIONS = (
    NewDestination(
        slug="dal-lake",
        name="Dal Lake",
        region="Kashmir",
        summary="Houseboats, shikaras and a vegetable market that floats.",
        description="Srinagar's lake lies under the Zabarwan hills, ringed by Mughal gardens: Shalimar, laid out in 1619, and "
        "Nishat, in 1633. People live on it all year, in carved cedar houseboats and on gardens of reed and mud that float. "
        "Before sunrise the growers paddle their greens to market and are home again for breakfast. In the hardest winters "
        "the lake freezes.",
        altitude_m=1583,
        best_season="April to October",
        latitude=Decimal("34.1107"),
        longitude=Decimal("74.8683"),
        featured=True,
    ),
    NewDestination(
        slug="gulmarg",
        name="Gulmarg",
        region="Kashmir",
        summary="A meadow of flowers in summer, deep powder in winter.",
        description="A bowl of meadow in the Pir Panjal, its rim dark with fir and pine. The gondola climbs in two stages, "
        "first to Kongdoori and then to the shoulder of Apharwat near 3,950 metres, from where Nanga Parbat stands on the "
        "horizon on a clear morning. From late December to March people come from all over the world for its snow.",
        altitude_m=2650,
        best_season="May to September; December to March for snow",
        latitude=Decimal("34.0484"),
        longitude=Decimal("74.3805"),
        featured=True,
    ),
    NewDestination(
        slug="pangong-lake",
        name="Pangong Lake",
        region="Ladakh",
        summary="A long blue lake between bare mountains, on the high border.",
        description="Pangong Tso is some 130 kilometres long and seldom more than five wide, and no river leaves it, so its "
        "water is brackish and almost without fish. The blue changes by the hour, in bands, from turquoise over the shallows "
        "to ink. In winter all of it freezes. Nights are cold even in July.",
        altitude_m=4225,
        best_season="June to September",
        latitude=Decimal("33.7595"),
        longitude=Decimal("78.6674"),
        featured=True,
    ),
    NewDestination(
        slug="nubra-valley",
        name="Nubra Valley",
        region="Ladakh",
        summary="Dunes, apricot orchards and two-humped camels beyond the Khardung La.",
        description="Where the Shyok and the Nubra meet, the valley floor is wide enough for a small desert. The dunes of "
        "Hunder lie between green villages and snow peaks, and the camels on them descend from the caravans of the old road "
        "to Yarkand. Above Diskit a Maitreya of 32 metres looks down the Shyok.",
        altitude_m=3048,
        best_season="May to September",
        latitude=Decimal("34.6863"),
        longitude=Decimal("77.5673"),
    ),
    NewDestination(
        slug="gurez-valley",
        name="Gurez Valley",
        region="Gurez",
        summary="Log houses and the Kishanganga under the pyramid of Habba Khatoon.",
        description="Beyond the Razdan Pass the road comes down to the Kishanganga and to Dawar, the valley's small town. "
        "People here are Dards and speak Shina; they build in logs against six months of snow. The peak above the river is "
        "named after Habba Khatoon, the poet queen of Kashmir, who is said to have wandered here looking for her king.",
        altitude_m=2400,
        best_season="mid-May to October",
        latitude=Decimal("34.6333"),
        longitude=Decimal("74.8333"),
        featured=True,
    ),
    NewDestination(
        slug="vaishno-devi",
        name="Vaishno Devi",
        region="Jammu",
        summary="The cave shrine in the Trikuta hills, a long night's walk from Katra.",
        description="One of the most visited shrines of India lies in a cave above Katra. The paved path climbs about twelve "
        "kilometres through the Trikuta hills, is lit all night and never empty; there are tea stalls, ponies and battery "
        "cars for those who need them. Many walk up in the evening and see the plain light up below.",
        altitude_m=1585,
        best_season="March to June, September to November",
        latitude=Decimal("33.0308"),
        longitude=Decimal("74.9490"),
    ),
    NewDestination(
        slug="sonamarg",
        name="Sonamarg",
        region="Kashmir",
        summary="The meadow of gold, at the foot of the Thajiwas glacier.",
        description="Eighty kilometres up the Sindh valley from Srinagar, the last green before the Zoji La and Ladakh. A "
        "pony track leads from the meadow past birches to the snow under the Thajiwas glacier. Since 2025 a tunnel keeps the "
        "road open in winter as well.",
        altitude_m=2730,
        best_season="May to October",
        latitude=Decimal("34.3032"),
        longitude=Decimal("75.2931"),
    ),
    NewDestination(
        slug="leh-palace",
        name="Leh Palace",
        region="Ladakh",
        summary="Nine storeys of mud brick and poplar above the old town.",
        description="Built around 1600 and finished under King Sengge Namgyal, the palace of Leh was left empty when the Dogras took Ladakh "
        "in the nineteenth century. Its walls lean inwards as they rise, like those of the Potala. From the roof one sees the old "
        "town, the poplars along the Indus and, across the valley, Stok Kangri.",
        altitude_m=3524,
        best_season="May to September",
        latitude=Decimal("34.1660"),
        longitude=Decimal("77.5870"),
    ),
)
