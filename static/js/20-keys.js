// Keys. Single letters only when the settings of the user say so, or inside what names them (WCAG 2.1.4).
(() => {
	const typing = (el) => el instanceof Element && el.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
	// Or while the focus is inside a part that says what its letters do, which WCAG allows too.
	const letters = () => document.body.hasAttribute("data-shortcuts") || document.activeElement.closest("[data-keys]");

	// Rows of the first table that takes keys; the row at hand has the class "at".
	const rows = () => Array.from(document.querySelectorAll("table[data-rows] > tbody > tr"));
	// or, before any key, the one that the address names.
	const current = (all) => {
		const at = all.findIndex((row) => row.classList.contains("at"));
		return at < 0 ? all.findIndex((row) => row.matches(":target")) : at;
	};

	function move(step) {
		const all = rows();
		if (all.length === 0) return;
		const was = current(all);
		const next = was < 0 ? 0 : Math.min(Math.max(was + step, 0), all.length - 1);
		if (was >= 0) all[was].classList.remove("at");
		all[next].classList.add("at");
		const link = all[next].querySelector("a[href], input");
		if (link) link.focus({preventScroll: true});
		all[next].scrollIntoView({block: "nearest"});
	}

	// With Shift it ticks all from the one ticked last.
	function tick(shiftKey) {
		const all = rows();
		const box = current(all) >= 0 && all[current(all)].querySelector("[data-select-row]");
		if (box) box.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, shiftKey}));
	}

	// A box sends its form with Enter, by the form's first button; the box of a row opens the row.
	function open(event) {
		const link = event.target instanceof Element && event.target.matches("[data-select-row]") && event.target.closest("tr").querySelector("a[href]");
		if (!link) return;
		event.preventDefault();
		link.click();
	}

	function escape() {
		const menu = document.querySelector("details.qd-menu[open]");
		if (menu) {
			menu.open = false;
			menu.querySelector("summary").focus();
			return;
		}
		if (location.hash === "#menu") {
			location.hash = "#main";
			document.querySelector(".qd-menu-open").focus();
			return;
		}
		const close = document.querySelector("[data-drawer-close]");
		if (close) {
			close.click();
			return;
		}
		const clear = document.querySelector("[data-selection-clear]");
		if (clear) clear.click();
	}

	// What has a key of its own; words that have one are said, since there is nothing to press.
	function press(letter) {
		const own = document.querySelector(`[data-key="${letter}"]`);
		if (own && own.matches("a, button")) own.click();
		else if (own) announce(own.textContent.trim());
		return own;
	}

	let going = 0;
	function go(letter) {
		const link = document.querySelector(`[data-goto-key="${CSS.escape(letter)}"]`);
		if (link) link.click();
	}

	document.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		if (event.key === "Escape") {
			escape();
			return;
		}
		if (event.key === "Enter") {
			open(event);
			return;
		}
		if (typing(event.target)) return;
		// Arrows lead to the item before and after, unless they choose among radio buttons.
		const way = /^Arrow(Left|Right)$/.test(event.key) && !(event.target instanceof HTMLInputElement) && document.querySelector(`[data-key="${event.key}"]`);
		if (way) {
			way.click();
			return;
		}
		if (!letters()) return;
		if (going > event.timeStamp) {
			going = 0;
			go(event.key);
			return;
		}
		switch (event.key) {
		case "/": {
			const field = document.querySelector("main [data-slash]") || document.querySelector("[data-slash]");
			if (!field) return;
			event.preventDefault();
			field.focus();
			break;
		}
		case "g": going = event.timeStamp + 1000; break;
		case "j": press("j") || move(1); break;
		case "k": press("k") || move(-1); break;
		case "x": tick(false); break;
		case "X": tick(true); break;
		default:
			if (/^[a-z]$/.test(event.key)) press(event.key);
		}
	});
})();
