//! The Keys section: search, filters, list, details, selection.

use crate::accounts;
use crate::activity::work;
use crate::acts::{self, Deed};
use crate::app::{app, with_stock};
use crate::details::details;
use crate::el::{el, live};
use crate::grid;
use crate::icons::{Icon, icon};
use crate::kit::{Btn, choice, say_soon};
use crate::listing::GroupBy;
use crate::menu::row_menu;
use crate::options::{Section, go};
use crate::reveal;
use crate::stock::Filter;
use crate::view_choices;
use crate::words::{now, number, t, tn};
use crate::{copying, dom};
use leptos::prelude::*;
use relaykeep_protocol::SecretState;
use wasm_bindgen::JsCast;
use web_sys::{Event, MouseEvent};

/// The section.
pub(crate) fn keys_page() -> AnyView {
    let app = app();
    let filter = RwSignal::new(Filter::All);
    let typed = RwSignal::new(String::new());
    let tag: RwSignal<Option<String>> = RwSignal::new(None);
    let counts = Memo::new(move |_| {
        app.stock.track();
        with_stock(|stock| stock.counts(now()))
    });
    on_cleanup(grid::end);
    // The rows first; whatever else depends on them is a signal away.
    Effect::new(move || {
        app.stock.track();
        app.matched.set(grid::renew());
        app.selection.update(|count| *count += 1);
    });
    Effect::new(move |before: Option<()>| {
        app.shown.track();
        app.copied.track();
        app.chosen.track();
        if before.is_some() {
            grid::repaint();
        }
    });
    let total = Signal::derive(move || counts.get()[0]);
    let searching = Signal::derive(move || {
        !typed.with(String::is_empty) || filter.get() != Filter::All || tag.with(Option::is_some)
    });
    let nothing_found = Signal::derive(move || {
        app.complete.get() && searching.get() && app.matched.get() == 0 && total.get() > 0
    });
    // More rows are on their way.
    let busy = move || (!app.complete.get() || app.looking.get()).then_some("true");
    el("div")
        .class("keys")
        .kid(el("h1").class("sr").kid(t("keys", &[])))
        .kid(top(typed, filter, counts))
        .kid(chips(filter, counts, tag))
        .kid(
            el("div")
                .class("bar-line")
                .kid(crate::activity::notices())
                .kid(work()),
        )
        .kid(
            el("div")
                .class("body")
                .kid(
                    el("div")
                        .class("listbox")
                        .kid(
                            el("div")
                                .class("list")
                                .a("role", "grid")
                                .a("aria-label", t("keys", &[]))
                                .a("aria-multiselectable", "true")
                                .a("tabindex", "0")
                                .live("aria-busy", busy)
                                .born(|list| grid::begin(list.unchecked_into()))
                                .on("scroll", move |_: Event| grid::scroll())
                                .on("click", move |event: MouseEvent| grid::click(&event)),
                        )
                        .kid(live(move || {
                            if app.complete.get() && app.stock.get() > 0 && total.get() == 0 {
                                Some(empty())
                            } else if nothing_found.get() {
                                Some(none_found(typed, filter, tag))
                            } else {
                                None
                            }
                        })),
                )
                .kid(details()),
        )
        .kid(selection_bar(total))
        .kid(row_menu())
        .into_any()
}

/// Empties the search box and leaves it where it is.
pub(crate) fn clear_search() {
    if let Some(input) = search_box() {
        input.set_value("");
        if let Ok(event) = web_sys::Event::new("input") {
            let _ = input.dispatch_event(&event);
        }
    }
}

/// Puts the cursor into the search box.
pub(crate) fn focus_search() {
    if let Some(input) = search_box() {
        let _ = input.focus();
        input.select();
    }
}

fn search_box() -> Option<web_sys::HtmlInputElement> {
    dom::document()
        .query_selector(".search input")
        .ok()
        .flatten()?
        .dyn_into()
        .ok()
}

fn top(typed: RwSignal<String>, filter: RwSignal<Filter>, counts: Memo<[u32; 9]>) -> AnyView {
    let app = app();
    let masked = Signal::derive(move || counts.get()[7]);
    let busy = Signal::derive(move || {
        app.jobs
            .with(|jobs| jobs.iter().any(|job| !crate::activity::is_over(job)))
    });
    let said = move || {
        let (found, all) = (app.matched.get_untracked(), counts.try_get_untracked()?[0]);
        Some(t("count_of", &[&number(found), &number(all)]))
    };
    el("div")
        .class("top")
        .kid(
            el("label")
                .class("search")
                .kid(icon(Icon::Search))
                .kid(
                    el("input")
                        .a("type", "search")
                        .a("aria-label", t("search_keys", &[]))
                        .a("placeholder", t("search_placeholder", &[]))
                        .a("autocomplete", "off")
                        .a("autocapitalize", "off")
                        .a("spellcheck", "false")
                        .on("input", move |event: Event| {
                            let text = event_target_value(&event);
                            app.matched.set(grid::type_in(&text));
                            typed.set(text);
                            say_soon(said);
                        }),
                )
                .kid(
                    el("span")
                        .class("faint small")
                        .live("hidden", move || {
                            typed.with(String::is_empty) && filter.get() == Filter::All
                        })
                        .kid(live(move || {
                            t(
                                "count_of",
                                &[&number(app.matched.get()), &number(counts.get()[0])],
                            )
                        })),
                )
                .kid(
                    el("kbd")
                        .live("hidden", move || !typed.with(String::is_empty))
                        .kid("/"),
                ),
        )
        .kid(el("span").class("grow"))
        .kid(
            Btn::new("reveal_masked")
                .icon(Icon::Reveal)
                .badge(Signal::derive(move || {
                    Some(masked.get()).filter(|count| *count > 0)
                }))
                .off(Signal::derive(move || masked.get() == 0))
                .on(|| reveal::offer(with_stock(|stock| stock.masked(|_| true)))),
        )
        .kid(
            Btn::new("sync")
                .icon(Icon::Sync)
                .class("sync")
                .off(Signal::derive(move || busy.get()))
                .on(|| accounts::sync(Vec::new())),
        )
        .kid(
            Btn::new("new_key")
                .icon(Icon::Add)
                .primary()
                .off(Signal::derive(move || {
                    app.stock.track();
                    with_stock(|stock| stock.accounts.is_empty())
                }))
                .on(|| acts::new_key(None)),
        )
        .into_any()
}

fn chips(
    filter: RwSignal<Filter>,
    counts: Memo<[u32; 9]>,
    tag: RwSignal<Option<String>>,
) -> AnyView {
    let app = app();
    let one = move |(place, which): (usize, Filter)| {
        let always = matches!(which, Filter::All | Filter::Active);
        el("button")
            .a("type", "button")
            .class("chip")
            .live("aria-pressed", move || {
                if filter.get() == which {
                    "true"
                } else {
                    "false"
                }
            })
            .live("hidden", move || {
                !always && counts.get()[place] == 0 && filter.get() != which
            })
            .on("click", move |_: Event| {
                let which = if filter.get_untracked() == which {
                    Filter::All
                } else {
                    which
                };
                filter.set(which);
                app.matched
                    .set(grid::wish(|wish| wish.filter = Some(which)));
            })
            .kid(t(which.word(), &[]))
            .kid(" ")
            .kid(
                el("b")
                    .a("aria-hidden", "true")
                    .kid(live(move || number(counts.get()[place]))),
            )
            .into_any()
    };
    let filters: Vec<AnyView> = Filter::ALL
        .into_iter()
        .enumerate()
        .map(|(place, which)| one((place, which)))
        .collect();
    let (group, sort) = view_choices::load();
    let (group, sort) = (RwSignal::new(group), RwSignal::new(sort));
    let picked = move || {
        let (group, sort) = (group.get_untracked(), sort.get_untracked());
        view_choices::save(group, sort);
        app.matched.set(grid::wish(|wish| {
            wish.group_by = group;
            wish.sort = sort;
        }));
    };
    el("div")
        .class("chips")
        .kid(
            el("div")
                .class("filters")
                .a("role", "group")
                .a("aria-label", t("filters", &[]))
                .kid(filters),
        )
        .kid(tag_filter(tag))
        .kid(
            el("span")
                .class("chip pick")
                .kid(
                    el("span")
                        .class("w")
                        .a("aria-hidden", "true")
                        .kid(t("group_by", &[])),
                )
                .kid(choice(
                    "group_by",
                    "",
                    vec![t("group_account", &[]), t("group_none", &[])],
                    Signal::derive(move || usize::from(group.get() == GroupBy::Nothing)),
                    move |place| {
                        group.set(if place == 1 {
                            GroupBy::Nothing
                        } else {
                            GroupBy::Account
                        });
                        picked();
                    },
                )),
        )
        .kid(
            el("span")
                .class("chip pick")
                .kid(
                    el("span")
                        .class("w")
                        .a("aria-hidden", "true")
                        .kid(t("sort", &[])),
                )
                .kid(choice(
                    "sort",
                    "",
                    view_choices::SORT_WORDS
                        .iter()
                        .map(|word| t(word, &[]))
                        .collect(),
                    Signal::derive(move || view_choices::sort_place(sort.get())),
                    move |place| {
                        sort.set(view_choices::sort_at(place));
                        picked();
                    },
                )),
        )
        .into_any()
}

/// Only keys of accounts with one tag; not there while no account has any.
fn tag_filter(wanted: RwSignal<Option<String>>) -> AnyView {
    let app = app();
    let tags = Memo::new(move |_| {
        app.stock.track();
        with_stock(crate::stock::Stock::tags)
    });
    // A tag that nothing bears any more hides nothing.
    let tag = Memo::new(move |_| {
        wanted
            .get()
            .filter(|tag| tags.with(|tags| tags.contains(tag)))
    });
    Effect::new(move |before: Option<Option<String>>| {
        let now = tag.get();
        if before.unwrap_or_default() != now {
            let tag = now.clone();
            app.matched.set(grid::wish(|wish| wish.tag = tag));
        }
        now
    });
    live(move || {
        let tags = tags.get();
        (!tags.is_empty()).then(|| {
            let names = tags.clone();
            let place = move || {
                let wanted = tag.get()?;
                names.iter().position(|tag| *tag == wanted)
            };
            let chosen = Signal::derive(move || place().map_or(0, |place| place + 1));
            let words = std::iter::once(t("all_tags", &[])).chain(tags.clone());
            el("span").class("chip pick").kid(choice(
                "filter_by_tag",
                "",
                words.collect(),
                chosen,
                move |place| {
                    wanted.set(place.checked_sub(1).and_then(|at| tags.get(at).cloned()));
                },
            ))
        })
    })
}

fn empty() -> AnyView {
    let app = app();
    let (accounts, trouble) = with_stock(|stock| {
        let trouble = stock
            .accounts
            .iter()
            .any(|account| matches!(account.view.health, relaykeep_protocol::Health::Trouble(_)));
        (stock.accounts.len(), trouble)
    });
    let (about, button) = if accounts == 0 {
        (
            "no_keys_about",
            Btn::new("add_account")
                .icon(Icon::Add)
                .primary()
                .on(move || {
                    go(Section::Accounts);
                    app.asking.add();
                }),
        )
    } else if trouble {
        (
            "no_keys_trouble",
            Btn::new("see_accounts")
                .primary()
                .on(|| go(Section::Accounts)),
        )
    } else {
        (
            "no_keys_synced",
            Btn::new("sync")
                .icon(Icon::Sync)
                .primary()
                .on(|| accounts::sync(Vec::new())),
        )
    };
    el("div")
        .class("nothing")
        .kid(el("h2").kid(t("no_keys", &[])))
        .kid(el("p").kid(t(about, &[])))
        .kid(button)
        .into_any()
}

fn none_found(
    typed: RwSignal<String>,
    filter: RwSignal<Filter>,
    tag: RwSignal<Option<String>>,
) -> AnyView {
    let app = app();
    let clear = move || {
        filter.set(Filter::All);
        tag.set(None);
        grid::wish(|wish| wish.filter = None);
        clear_search();
        typed.set(String::new());
        app.matched.set(grid::type_in(""));
        focus_search();
    };
    el("div")
        .class("nothing")
        .kid(el("h2").kid(t("none_found", &[])))
        .kid(el("p").kid(t("none_found_about", &[])))
        .kid(Btn::new("clear_search").on(clear))
        .into_any()
}

fn selection_bar(total: Signal<u32>) -> AnyView {
    let app = app();
    let selected = Memo::new(move |_| {
        app.selection.track();
        grid::selected()
    });
    let masked = move || with_stock(|stock| stock.masked(|row| row.selected));
    let copy = move || {
        // Masked ones need a reveal first, which says what it asks of the sites.
        let masked = masked();
        if masked.is_empty() {
            copying::copy_all(with_stock(|stock| stock.selected().collect()));
        } else {
            reveal::offer(masked);
        }
    };
    let held = move || {
        app.selection.track();
        with_stock(|stock| {
            stock.rows.iter().any(|row| {
                row.selected
                    && row.key.secret == SecretState::Masked
                    && row.key.gone_since.is_none()
            })
        })
    };
    let clear = move || {
        crate::app::select_in_stock(|stock| {
            stock.rows.iter_mut().for_each(|row| row.selected = false)
        });
        app.selection.update(|count| *count += 1);
        grid::repaint();
    };
    // What can be done to some of them; the plan says to which not.
    let deeds: Vec<AnyView> = Deed::ALL
        .into_iter()
        .filter(|deed| *deed != Deed::Usage)
        .map(|deed| {
            let btn = Btn::new(deed.word()).class(if deed.is_danger() { "danger" } else { "" });
            btn.off(Signal::derive(move || {
                app.selection.track();
                app.stock.track();
                let now = now();
                !with_stock(|stock| {
                    stock
                        .rows
                        .iter()
                        .any(|row| row.selected && deed.fits(&row.key, now))
                })
            }))
            .on(move || acts::begin(deed, with_stock(|stock| stock.selected().collect())))
        })
        .collect();
    let unselected = move || {
        let shown = app.matched.get();
        selected.get() > 0 && selected.get() < shown
    };
    el("div")
        .class("selbar")
        .live("hidden", move || selected.get() == 0)
        .kid(el("span").class("grow").kid(live(move || {
            tn("selected_of", selected.get(), &[&number(total.get())])
        })))
        .kid(
            el("span").live("hidden", move || !unselected()).kid(
                Btn::new("select_all_shown")
                    .class("ghost")
                    .on(grid::select_shown),
            ),
        )
        .kid(Btn::new("copy").icon(Icon::Copy).on(copy))
        .kid(
            Btn::new("reveal")
                .icon(Icon::Reveal)
                .off(Signal::derive(move || !held()))
                .on(move || reveal::offer(masked())),
        )
        .kid(deeds)
        .kid(Btn::new("clear_selection").silent(Icon::Close).on(clear))
        .into_any()
}
