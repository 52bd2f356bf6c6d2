/* The overview's filters. Without this script the page shows all lots. */
(() => {
  "use strict";
  const filters = document.querySelector(".filters"), [donor, verdict] = filters.querySelectorAll("select");
  const apply = () => {
    let shown = 0;
    const left = new Set();
    for (const row of document.querySelectorAll("tr[data-outcome]")) {
      const group = row.parentElement.dataset.donor;
      row.hidden = (donor.value && donor.value !== group) || (verdict.value && verdict.value !== row.dataset.outcome);
      if (!row.hidden) { shown += 1; left.add(group); }
    }
    for (const part of document.querySelectorAll("[data-donor]")) part.hidden = !left.has(part.dataset.donor);
    filters.querySelector("[role=status]").textContent = `${shown} ${shown === 1 ? "lot" : "lots"} shown`;
  };
  filters.addEventListener("change", apply);
  filters.hidden = false;
  apply();
  document.documentElement.dataset.ready = "";
})();
