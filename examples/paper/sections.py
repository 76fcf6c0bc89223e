"""All sections, in the order of the page. A new one: its own file, and its name here."""

import binary
import chosen
import cifar
import clamp
import efficientnet
import exact
import front
import gates
import inception
import ladder
import pieces
import vgg
from section import Section

SECTIONS: tuple[Section, ...] = (
    ladder.SECTION,
    front.SECTION,
    chosen.SECTION,
    gates.SECTION,
    clamp.SECTION,
    pieces.SECTION,
    binary.SECTION,
    efficientnet.SECTION,
    inception.SECTION,
    cifar.SECTION,
    vgg.SECTION,
    exact.SECTION,
)
