/* Search, filters, sorting and CSV of the table of lots; what is shown is in the address. Without this script all lots are shown. */
(() => {
  "use strict";
  const filters = document.querySelector(".filters"), table = document.getElementById("lots"), body = table.tBodies[0];
  const rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const fields = Object.fromEntries(["search", "verdict", "donor", "bank", "arm", "since"].map(name => [name, document.getElementById(name)]));
  const text = rows.map(row => row.textContent.toLowerCase());
  const column = name => heads.findIndex(head => head.dataset.key === name);
  const arms = rows.map(row => row.cells[column("arms")].textContent.replace(/[+−±]/g, "").trim().split(" "));
  let sorted = { key: "", down: false };

  const passes = (row, i) => {
    const { search, verdict, donor, bank, arm, since } = fields;
    return text[i].includes(search.value.trim().toLowerCase()) && (!verdict.value || row.dataset.outcome === verdict.value)
      && (!donor.value || row.dataset.donor === donor.value) && (!bank.value || row.dataset.bank === bank.value)
      && (!arm.value || arms[i].includes(arm.value)) && (!since.value || (/^\d{4}-/.test(row.dataset.sampled) && row.dataset.sampled >= since.value));
  };
  const apply = (keep = true) => {
    const left = new Set();
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !passes(row, i);
      if (!row.hidden) { shown += 1; left.add(row.dataset.donor); }
    });
    for (const part of document.querySelectorAll(".panels [data-donor]")) part.hidden = !left.has(part.dataset.donor);
    filters.querySelector("[role=status]").textContent = `${shown} ${shown === 1 ? "lot" : "lots"} shown`;
    if (!keep) return;
    const state = new URLSearchParams();
    for (const [name, field] of Object.entries(fields)) if (field.value) state.set(name, field.value);
    if (sorted.key) state.set("sort", (sorted.down ? "-" : "") + sorted.key);
    history.replaceState(null, "", `${state}` ? `#${state}` : location.pathname + location.search);
  };
  const order = () => {
    const at = column(sorted.key), value = row => row.cells[at].textContent.trim();
    const number = cell => { const found = parseFloat(cell.replace(/,/g, "")); return /^[\d.]+[x%]?$/.test(cell) ? found : NaN; };
    const compare = (a, b) => {
      if (sorted.key === "verdict") return a.dataset.order - b.dataset.order;
      const [x, y] = [value(a), value(b)], [n, m] = [number(x), number(y)];
      if (Number.isNaN(n) !== Number.isNaN(m)) return Number.isNaN(n) ? 1 : -1; // what has no number stands last
      return Number.isNaN(n) ? x.localeCompare(y, "en", { numeric: true }) : n - m;
    };
    const made = at < 0 ? rows : [...rows].sort((a, b) => (sorted.down ? -1 : 1) * compare(a, b) || a.dataset.order - b.dataset.order);
    body.append(...made);
    heads.forEach(head => head.setAttribute("aria-sort", head.dataset.key !== sorted.key ? "none" : sorted.down ? "descending" : "ascending"));
  };
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...[...head.childNodes].filter(node => node.nodeName !== "svg"));
    head.prepend(button);
    button.addEventListener("click", () => {
      sorted = { key: head.dataset.key, down: sorted.key === head.dataset.key && !sorted.down };
      order(); apply();
    });
  }
  const fromAddress = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const [name, field] of Object.entries(fields)) field.value = state.get(name) ?? "";
    const sort = state.get("sort") ?? "";
    sorted = { key: sort.replace(/^-/, ""), down: sort.startsWith("-") };
    order(); apply(false);
  };
  document.getElementById("csv").addEventListener("click", () => {
    const quoted = cell => `"${cell.textContent.replace(/\s+/g, " ").trim().replace(/"/g, '""').replace(/^([=+@-])/, "'$1")}"`;
    const lines = [heads, ...[...body.rows].filter(row => !row.hidden).map(row => [...row.cells])].map(cells => cells.map(quoted).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" })); link.download = "lots.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  filters.addEventListener("input", () => apply());
  addEventListener("hashchange", fromAddress);
  filters.hidden = false;
  fromAddress();
  document.documentElement.dataset.ready = "";
})();
