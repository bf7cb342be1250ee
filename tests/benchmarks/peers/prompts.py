"""What the methods ask: openings of paragraphs to continue, and everyday questions."""

from __future__ import annotations

_CONTINUE = (
    "Continue the paragraph. Do not output anything except the continuation to the paragraph. "
    'Start the continuation immediately.\n"{}..."'
)
_OPENINGS = (
    "The lighthouse at the mouth of the estuary was built in 1874 by a company of masons who had come",
    "Photosynthesis in aquatic plants differs from that of land plants in the way carbon is taken up",
    "The regional railway opened its second line after the war and carried mostly timber and salt until",
    "In computer science a priority queue is an abstract data type in which every element has a rank and",
    "The village lies on the northern slope of a limestone ridge and is first mentioned in a charter of",
    "Der Fluss entspringt am Rand der Hochebene und fliesst durch mehrere enge Taeler, bevor er die",
    "Das Museum wurde nach dem Umbau im Herbst wieder eroeffnet und zeigt seitdem eine Sammlung von",
    "Die Oper in drei Akten wurde zu Lebzeiten des Komponisten nur zweimal aufgefuehrt, weil der",
    "Der Orden gruendete im zwoelften Jahrhundert mehrere Kloester, deren Bibliotheken spaeter als",
    "Die Gattung umfasst etwa vierzig Arten, die vor allem in den Regenwaeldern des suedlichen",
    "La ciudad fue fundada por comerciantes que buscaban un puerto seguro entre las dos bahias y que",
    "El equipo gano su primer campeonato nacional despues de una temporada en la que apenas habia",
    "La novela cuenta la historia de una familia de impresores que abandona la capital durante el",
    "El observatorio se construyo en la cima del volcan porque el aire seco permite ver con claridad",
    "La receta tradicional se prepara con harina de maiz, pimientos secos y una salsa que cambia en",
    "La commune est situee au bord d'un plateau calcaire dont les falaises abritent plusieurs especes",
    "Le traite signe a l'automne mit fin a une querelle commerciale qui opposait les deux royaumes",
    "Le peintre passa la fin de sa vie dans un atelier pres de la gare, ou il recevait chaque jeudi",
    "L'enzyme catalyse la premiere etape de la voie et son activite depend de la temperature ainsi",
    "Le pont suspendu fut remplace par un ouvrage en beton apres la crue qui avait emporte deux de",
    "Река берёт начало в болотах на севере области и после слияния с двумя притоками становится",
    "Завод был построен до войны и выпускал сельскохозяйственные машины, которые затем поставлялись",
    "Роман был опубликован посмертно, так как цензура при жизни автора требовала убрать главы о",
    "Остров открыла экспедиция, искавшая пролив между двумя архипелагами, и нанёс на карту её",
    "Теорема утверждает, что всякая непрерывная функция на замкнутом отрезке достигает своего",
)
PARAGRAPHS = tuple(_CONTINUE.format(opening) for opening in _OPENINGS)
"""The longform task of Gao et al. (2025, §4): m = 25 strings of about 100 characters in the five languages they use.
Theirs are drawn from Wikipedia; these are ours, because no corpus may be fetched."""

_SUBJECTS = ("a broken bicycle chain", "how vaccines work", "my neighbour's loud music", "planning a trip to Kyoto",
             "learning the violin at forty", "a cover letter for a bakery", "why the sky is blue", "saving for a house",
             "regular expressions", "the causes of the first world war", "keeping tomatoes alive", "a toast for a wedding",
             "compound interest", "sleeping badly", "a slow laptop", "the plot of Hamlet", "training for a 10 km run",
             "database indexes", "vegetarian dinners", "an argument with my sister")  # fmt: skip
_WISHES = ("Explain {} to a ten-year-old.", "Write a short poem about {}.", "Give me three tips about {}.",
           "What should I know about {}?", "Summarise {} in two sentences.")  # fmt: skip
CONVERSATIONS = tuple(wish.format(subject) for subject in _SUBJECTS for wish in _WISHES)
"""100 requests as users make them, in place of the WildChat prompts of Zhu et al. (2025, §5.1)."""
