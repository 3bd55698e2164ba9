export const byId = (id) => document.getElementById(id);

/** An element with properties and children. Text stays text: no HTML is made of what comes from outside. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Changes the text only where it differs, so that a screen reader is not told of what stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Rows of a <dl>. A value is a text, or a list of texts. */
export function setRows(list, rows) {
  const text = JSON.stringify(rows);
  if (list.dataset.rows === text) return;
  list.dataset.rows = text;
  list.replaceChildren(
    ...rows.flatMap(([label, values]) => [
      element('dt', { textContent: label }),
      ...[values].flat().map((value) => element('dd', { textContent: value })),
    ]),
  );
}
