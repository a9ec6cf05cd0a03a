"use strict";
// Tables are whole without this; it adds a button to every head, which sorts: up, down, as it was.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => row.cells[column].dataset.order;
  const compare = (one, other) => {
    const [a, b] = [Number(one), Number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other, "en") : a - b;
  };
  const sort = (column, way) => {
    const known = original.filter((row) => value(row, column) !== "");
    const unknown = original.filter((row) => value(row, column) === "");
    const sign = way === "descending" ? -1 : 1;
    known.sort((one, other) => sign * compare(value(one, column), value(other, column)));
    return [...known, ...unknown];
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const way = next[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", way);
      table.classList.toggle("sorted", way !== "none");
      body.append(...(way === "none" ? original : sort(column, way)));
    });
  });
}
