// @ts-check
/** The page: starts the state, then the elements that show it. */
document.title = "Parlor";
